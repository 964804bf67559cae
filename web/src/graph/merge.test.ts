import { parse } from "yaml";
import { expect, it } from "vitest";
import { locate } from "./locate";
import { hunks, merge } from "./merge";
import { workflowOf } from "./model";
import { neighbour, nearestSpot, placeAfter } from "./neighbours";
import { flowOf } from "./flow";
import { partsOf, take } from "./proposal";
import { read } from "./source";

const BASE = "workflow:\n  id: a\n  name: A\n  steps:\n    - id: one\n      type: wait\n      duration: 1s\n    - id: two\n      type: wait\n      duration: 2s\n";

it("takes both people's changes where they touch other lines", () => {
  const mine = BASE.replace("name: A", "name: Mine");
  const theirs = BASE.replace("duration: 2s", "duration: 5s # theirs");
  expect(merge(BASE, mine, theirs)).toEqual({ text: mine.replace("duration: 2s", "duration: 5s # theirs") });
  expect(merge(BASE, mine, BASE)).toEqual({ text: mine });
  expect(merge(BASE, mine, mine)).toEqual({ text: mine });
});

it("says where both changed the same lines", () => {
  const merged = merge(BASE, BASE.replace("name: A", "name: B"), BASE.replace("name: A", "name: C"));
  expect(merged).toEqual({ clashes: [{ line: 3, mine: ["  name: B"], theirs: ["  name: C"] }] });
});

it("merges what is put in and taken away at different places", () => {
  const mine = `${BASE}    - id: three\n      type: wait\n`;
  const theirs = BASE.replace("    - id: one\n      type: wait\n      duration: 1s\n", "");
  const merged = merge(BASE, mine, theirs);
  expect("text" in merged && parse(merged.text).workflow.steps.map((step: { id: string }) => step.id)).toEqual(["two", "three"]);
  expect(hunks(BASE, BASE)).toEqual([]);
});

it("takes parts of a proposal one by one, and all of them", () => {
  const proposed =
    "workflow:\n  id: a\n  name: Better\n  trigger: {type: manual}\n  steps:\n    - id: one\n      type: wait\n      duration: 3s\n    - id: new\n      type: wait\n      duration: 4s\n";
  const parts = partsOf(BASE, proposed);
  expect(parts.map((part) => [part.kind, part.key])).toEqual([
    ["trigger", "trigger"],
    ["workflow", "field:name"],
    ["changed", "step:one"],
    ["added", "step:new"],
    ["removed", "step:two"],
  ]);
  const some = take(BASE, proposed, new Set(["step:new"]));
  expect(parse(some).workflow.steps.map((step: { id: string }) => step.id)).toEqual(["one", "new", "two"]);
  expect(some).toContain("duration: 1s");
  expect(parse(take(BASE, proposed, new Set(parts.map((part) => part.key))))).toEqual(parse(proposed));
  expect(partsOf(BASE, BASE)).toEqual([]);
});

it("finds the node and the field that the server means", () => {
  const workflow = workflowOf(
    read(`${BASE}    - id: check\n      type: switch\n      value: x\n      cases:\n        "yes":\n          - {id: inner, type: wait}\n  trigger: {type: manual}\n`),
  );
  expect(locate(workflow, "steps/one/duration")).toEqual({ node: "one", step: "one", field: "duration" });
  expect(locate(workflow, "/steps/check/cases/yes/inner/duration")).toEqual({ node: "inner", step: "inner", field: "duration" });
  expect(locate(workflow, "steps/check/yes/inner")).toEqual({ node: "inner", step: "inner", field: "" });
  expect(locate(workflow, "triggers/0/event")).toEqual({ node: "trigger:0", step: null, field: "event" });
  expect(locate(workflow, "output/x")).toEqual({ node: null, step: null, field: "output/x" });
  expect(locate(workflow, "steps/0/type")).toEqual({ node: "one", step: "one", field: "type" });
});

it("moves from node to node, and knows the place nearest to a point", () => {
  const flow = flowOf(workflowOf(read(BASE)));
  expect(neighbour(flow, "one", "down")?.key).toBe("two");
  expect(neighbour(flow, "one", "up")?.key).toBe("start");
  expect(neighbour(flow, "two", "down")?.key).toBe("end");
  expect(neighbour(flow, "one", "left")).toBeNull();
  expect(neighbour(flow, null, "down")?.key).toBe("start");
  const end = { list: ["workflow", "steps"], index: 2 };
  expect(placeAfter(flow, "one", end)).toEqual({ list: ["workflow", "steps"], index: 1 });
  expect(placeAfter(flow, "start", end).index).toBe(0);
  const two = flow.nodes.find((node) => node.key === "two");
  expect(nearestSpot(flow, (two?.x ?? 0) + 10, (two?.y ?? 0) - 5)?.place.index).toBe(1);
});
