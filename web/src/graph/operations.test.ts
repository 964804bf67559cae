import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import { flowOf } from "./flow";
import { kept } from "./kept";
import { type Workflow, walk, workflowOf } from "./model";
import { NEW_WORKFLOW, addBranch, addTrigger, copyStep, insertStep, moveStep, pasteSteps } from "./operations";
import { removeBranch, removeStep, removeTrigger, renameBranch, renameStep, setField } from "./operations";
import { readsOf } from "./references";
import { read } from "./source";

const TEXT = `# What it is for
workflow:
  id: letters   # stands in addresses
  name: 'Letters'
  trigger: {type: manual}
  steps:
    # Reads it
    - id: read
      type: document
      action: read
      file: "{{trigger.file}}" # from the upload

    - id: check
      type: if
      condition: steps.read.output.pages > 1 and steps['read'].output.text.exists()
      then:
        - {id: tell, type: bot, tool: Slack.send, params: {channel: "#desk", message: "{{steps.read.output.pages}} pages of steps.read"}}
      else: []

    - id: pause
      type: wait
      duration: 1s
`;

function workflow(text: string): Workflow {
  return workflowOf(read(text));
}

function step(text: string, id: string) {
  const found = workflow(text).byKey.get(id);
  if (!found) throw new Error(`no step ${id}`);
  return found;
}

describe("fields", () => {
  it("keeps the quotes, the comment and the place of a value that changes", () => {
    const at = step(TEXT, "read").path;
    const text = setField(TEXT, at, ["file"], "{{trigger.letter}}").text;
    expect(text).toBe(TEXT.replace("trigger.file", "trigger.letter"));
    expect(setField(TEXT, ["workflow"], ["name"], "It's").text).toContain("name: 'It''s'");
  });

  it("puts a new key where it belongs", () => {
    const text = setField(TEXT, step(TEXT, "pause").path, ["name"], "Take a break").text;
    expect(text).toContain("- id: pause\n      name: Take a break\n      type: wait\n");
    const params = setField(TEXT, step(TEXT, "read").path, ["language"], "de", ["action", "file", "language"]).text;
    expect(params).toContain('# from the upload\n      language: de\n\n');
  });

  it("writes into a mapping on one line, and makes what is missing on the way", () => {
    const text = setField(TEXT, step(TEXT, "tell").path, ["params", "channel"], "#ward").text;
    expect(text).toBe(TEXT.replace("#desk", "#ward"));
    const made = setField(TEXT, step(TEXT, "pause").path, ["retry", "attempts"], 5).text;
    expect(made).toBe(`${TEXT}      retry:\n        attempts: 5\n`);
    expect(setField(made, step(made, "pause").path, ["retry", "attempts"], undefined).text).toBe(TEXT);
  });

  it("keeps several lines as a block", () => {
    const text = setField(TEXT, step(TEXT, "pause").path, ["description"], "One\nTwo\n").text;
    expect(parse(text).workflow.steps[2].description).toBe("One\nTwo\n");
    expect(text).toContain("description: |\n        One\n        Two\n");
  });
});

describe("steps", () => {
  it("goes into an empty workflow and an empty branch", () => {
    const first = insertStep(NEW_WORKFLOW, { list: ["workflow", "steps"], index: 0 }, { id: "worker", type: "worker" });
    expect(first.text).toBe(NEW_WORKFLOW.replace("steps: []", "steps:\n    - id: worker\n      type: worker"));
    const lane = step(TEXT, "check").lanes[1];
    const inside = insertStep(TEXT, { list: lane?.path ?? [], index: 0 }, { id: "read", type: "wait" });
    expect(inside.select).toBe("read-2");
    expect(inside.text).toContain("      else:\n        - id: read-2\n          type: wait\n");
  });

  it("stands apart by a blank line where the others do", () => {
    const text = insertStep(TEXT, { list: ["workflow", "steps"], index: 1 }, { id: "new", type: "wait" }).text;
    expect(text).toContain("# from the upload\n\n    - id: new\n      type: wait\n\n    - id: check\n");
  });

  it("moves with its comments, into a branch and out of it", () => {
    const lane = step(TEXT, "check").lanes[1]?.path ?? [];
    const text = moveStep(TEXT, step(TEXT, "read").path, { list: lane, index: 0 }).text;
    expect(text).toContain("      else:\n        # Reads it\n        - id: read\n          type: document\n");
    expect(() => moveStep(TEXT, step(TEXT, "check").path, { list: lane, index: 0 })).toThrow("inside itself");
    const out = moveStep(text, step(text, "read").path, { list: ["workflow", "steps"], index: 0 }).text;
    expect(parse(out)).toEqual(parse(TEXT));
  });

  it("is renamed wherever it is read, and nowhere else", () => {
    const text = renameStep(TEXT, step(TEXT, "read").path, "scan").text;
    expect(text).toContain("condition: steps.scan.output.pages > 1 and steps['scan'].output.text.exists()");
    expect(text).toContain("{{steps.scan.output.pages}} pages of steps.read");
    expect(() => renameStep(TEXT, step(TEXT, "read").path, "pause")).toThrow("already");
    expect(() => renameStep(TEXT, step(TEXT, "read").path, "a b")).toThrow("letters");
    expect(readsOf(read(TEXT), step(TEXT, "check").path)).toEqual(["read"]);
  });

  it("is copied as YAML, and pasted with ids of its own that its inner steps follow", () => {
    const copied = copyStep(TEXT, step(TEXT, "check").path);
    expect(copied.startsWith("- id: check\n  type: if\n")).toBe(true);
    const pasted = pasteSteps(TEXT, { list: ["workflow", "steps"], index: 3 }, copied);
    expect(pasted.select).toBe("check-2");
    expect([...walk(workflow(pasted.text).steps)].map((one) => one.id)).toEqual(["read", "check", "tell", "pause", "check-2", "tell-2"]);
    const two = pasteSteps(TEXT, { list: ["workflow", "steps"], index: 0 }, "- {id: a, type: wait}\n- id: b\n  type: map\n  set: {x: '{{steps.a.output}}'}\n");
    expect(workflow(two.text).steps.map((one) => one.id).slice(0, 2)).toEqual(["a", "b"]);
    expect(() => pasteSteps(TEXT, { list: ["workflow", "steps"], index: 0 }, "hello")).toThrow("no steps");
  });

  it("leaves an empty list when the last one goes", () => {
    let text = TEXT;
    for (const id of ["pause", "check", "read"]) text = removeStep(text, step(text, id).path).text;
    expect(parse(text).workflow.steps).toEqual([]);
    expect(text).toContain("id: letters   # stands in addresses");
  });

  it("refuses what cannot be read, with the line", () => {
    expect(() => insertStep("a: [1\nb: 2\n", { list: ["steps"], index: 0 }, { type: "wait" })).toThrow(/line \d/);
  });
});

describe("branches and triggers", () => {
  it("adds, renames and removes branches", () => {
    const text = insertStep(TEXT, { list: ["workflow", "steps"], index: 3 }, { id: "both", type: "parallel", branches: { a: [] } }).text;
    const more = addBranch(text, step(text, "both").path, "branches", "a").text;
    expect(step(more, "both").lanes.map((lane) => lane.label)).toEqual(["a", "a-2"]);
    const named = renameBranch(more, step(more, "both").lanes[1]?.path ?? [], "history").text;
    expect(step(named, "both").lanes.map((lane) => lane.label)).toEqual(["a", "history"]);
    expect(removeBranch(named, step(named, "both").lanes[1]?.path ?? []).text).toBe(text);
  });

  it("makes a list of triggers when a second one comes", () => {
    const text = addTrigger(TEXT, { type: "schedule", cron: "0 6 * * *" }).text;
    expect(workflow(text).triggers.map((one) => one.type)).toEqual(["manual", "schedule"]);
    const less = removeTrigger(text, workflow(text).triggers[0]?.path ?? []).text;
    expect(workflow(less).triggers.map((one) => one.type)).toEqual(["schedule"]);
    expect(workflow(removeTrigger(TEXT, ["workflow", "trigger"]).text).triggers).toEqual([]);
  });
});

describe("JSON", () => {
  it("stays JSON", () => {
    const json = JSON.stringify({ name: "Wait", steps: [{ id: "pause", type: "wait", duration: "1s" }] }, null, 2);
    const text = insertStep(json, { list: ["steps"], index: 1 }, { id: "next", type: "wait", until: "x: y" }).text;
    expect(JSON.parse(text).steps).toHaveLength(2);
    const set = setField(text, ["steps", 1], ["name"], "A name").text;
    expect(JSON.parse(set).steps[1].name).toBe("A name");
    expect(JSON.parse(removeStep(set, ["steps", 0]).text).steps[0].id).toBe("next");
  });
});

describe("the picture", () => {
  it("puts the lanes of a step side by side and the steps below one another", () => {
    const flow = flowOf(workflow(TEXT));
    const at = (key: string) => flow.nodes.find((node) => node.key === key) ?? { x: 0, y: 0 };
    expect(at("trigger:0").y).toBeLessThan(at("read").y);
    expect(at("tell").x).toBeLessThan(at("empty:check/else").x);
    expect(at("tell").y).toBe(at("empty:check/else").y);
    expect(at("pause").y).toBeGreaterThan(at("join:check").y);
    const edge = flow.edges.find((one) => one.from === "join:check");
    expect(edge?.place).toEqual({ list: ["workflow", "steps"], index: 2 });
  });

  it("lets no two nodes overlap, however deep", () => {
    let text = TEXT;
    const lane = step(text, "check").lanes[1]?.path ?? [];
    text = pasteSteps(text, { list: lane, index: 0 }, copyStep(text, step(text, "check").path)).text;
    text = insertStep(text, { list: lane, index: 0 }, { id: "loop", type: "foreach", steps: [{ id: "in", type: "wait" }], fallback: [{ id: "else-where", type: "wait" }] }).text;
    const nodes = flowOf(workflow(text)).nodes.filter((node) => node.kind !== "frame");
    for (const one of nodes) {
      for (const other of nodes) {
        if (one === other) continue;
        const apart = one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;
        expect(apart, `${one.key} and ${other.key}`).toBe(true);
      }
    }
  });

  it("keeps what did not change as the same objects", () => {
    const before = flowOf(workflow(TEXT));
    const after = kept(before, flowOf(workflow(setField(TEXT, step(TEXT, "pause").path, ["name"], "Break").text)));
    const moved = after.nodes.filter((node) => !before.nodes.includes(node)).map((node) => node.key);
    expect(moved).toEqual(["pause"]);
    const grown = insertStep(TEXT, { list: step(TEXT, "check").lanes[1]?.path ?? [], index: 0 }, { id: "new", type: "wait" }).text;
    expect(kept(before, flowOf(workflow(grown))).nodes.find((node) => node.key === "check")).not.toBe(before.nodes.find((node) => node.key === "check"));
  });

  it("lays out a thousand steps", () => {
    const steps = Array.from({ length: 1000 }, (_, at) => ({ id: `s${at}`, type: "wait", duration: "1s" }));
    const flow = flowOf(workflow(JSON.stringify({ name: "Many", steps })));
    expect(flow.nodes.filter((node) => node.kind === "step")).toHaveLength(1000);
  });
});
