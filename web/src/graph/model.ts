/** A workflow as the canvas sees it: triggers, and steps with lanes of further steps. */
import { type YAMLMap, isMap, isScalar, isSeq } from "yaml";
import { LANE_ORDER, LISTS, type LaneKind, NAMED_LISTS } from "./language";
import { type Path, pathText } from "./path";
import { type Source, nodeAt, valueAt } from "./source";

export interface Lane {
  /** `then`, `cases/urgent`, `branches/history`, `steps`, `fallback` … */
  key: string;
  path: Path;
  label: string;
  kind: LaneKind;
  steps: Step[];
}

export interface Step {
  /** Stable while one edits: the step's id, or its place when it has none of its own. */
  key: string;
  id: string;
  type: string;
  name: string;
  path: Path;
  /** What it does, in a few words taken from its parameters. */
  summary: string;
  conditional: boolean;
  lanes: Lane[];
}

export interface Trigger {
  key: string;
  path: Path;
  type: string;
  summary: string;
}

export interface Workflow {
  id: string;
  name: string;
  root: Path;
  list: Path;
  triggers: Trigger[];
  steps: Step[];
  /** Every step by its key, in the order of the text. */
  byKey: Map<string, Step>;
}

/** Keys whose value says in one word what a step does, the most telling first. */
const TELLING = ["worker", "model", "pipeline", "table", "tool", "workflow", "title", "condition", "items"];
const MORE = ["action", "event", "duration", "until", "url", "statement", "queue", "value", "file", "use"];

export function workflowOf(source: Source): Workflow {
  const { root } = source;
  const map = nodeAt(source, root);
  const list = [...root, "steps"];
  const byKey = new Map<string, Step>();
  const steps = isMap(map) ? stepsOf(source, list, byKey) : [];
  const id = textOf(map, "id");
  const name = textOf(map, "name");
  return { id, name: name || id, root, list, triggers: triggersOf(source), steps, byKey };
}

/** Every step, with those in its lanes, in order. */
export function* walk(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    yield step;
    for (const lane of step.lanes) yield* walk(lane.steps);
  }
}

function triggersOf(source: Source): Trigger[] {
  const found: Trigger[] = [];
  for (const key of ["trigger", "triggers"]) {
    const path = [...source.root, key];
    const node = nodeAt(source, path);
    if (isMap(node)) found.push(triggerOf(node, path));
    if (!isSeq(node)) continue;
    node.items.forEach((item, at) => {
      if (isMap(item)) found.push(triggerOf(item, [...path, at]));
    });
  }
  return found;
}

function triggerOf(map: YAMLMap, path: Path): Trigger {
  const telling = ["event", "cron", "path", "use", "filter"].map((key) => textOf(map, key));
  return {
    key: `trigger:${typeof path[path.length - 1] === "number" ? path[path.length - 1] : 0}`,
    path,
    type: textOf(map, "type") || (map.has("use") ? "component" : ""),
    summary: telling.find((text) => text !== "") ?? "",
  };
}

function stepsOf(source: Source, path: Path, byKey: Map<string, Step>): Step[] {
  const node = nodeAt(source, path);
  if (!isSeq(node)) return [];
  const steps: Step[] = [];
  node.items.forEach((item, at) => {
    if (isMap(item)) steps.push(stepOf(source, item, [...path, at], byKey));
  });
  return steps;
}

function stepOf(source: Source, map: YAMLMap, path: Path, byKey: Map<string, Step>): Step {
  const id = textOf(map, "id");
  const key = id !== "" && !byKey.has(id) ? id : `@${pathText(path)}`;
  const type = textOf(map, "type") || (map.has("use") ? "component" : "");
  const step: Step = {
    key,
    id,
    type,
    name: textOf(map, "name") || id || type,
    path,
    summary: summaryOf(map),
    conditional: map.has("when"),
    lanes: [],
  };
  byKey.set(key, step);
  step.lanes = lanesOf(source, map, path, byKey);
  return step;
}

function lanesOf(source: Source, map: YAMLMap, path: Path, byKey: Map<string, Step>): Lane[] {
  const lanes: Lane[] = [];
  for (const key of LANE_ORDER) {
    const node: unknown = map.get(key, true);
    const one = LISTS[key];
    if (one && isSeq(node)) {
      const inside = [...path, key];
      lanes.push({ key, path: inside, ...one, steps: stepsOf(source, inside, byKey) });
    }
    const kind = NAMED_LISTS[key];
    if (!kind || !isMap(node)) continue;
    for (const pair of node.items) {
      const name = isScalar(pair.key) ? String(pair.key.value) : "";
      const inside = [...path, key, name];
      lanes.push({ key: `${key}/${name}`, path: inside, label: name, kind, steps: stepsOf(source, inside, byKey) });
    }
  }
  return lanes;
}

function summaryOf(map: YAMLMap): string {
  for (const key of TELLING) {
    const text = textOf(map, key);
    if (text !== "") return text;
  }
  const words = [textOf(map, "action"), textOf(map, "resourceType")].filter((text) => text !== "");
  if (words.length > 0) return words.join(" ");
  for (const key of MORE) {
    const text = textOf(map, key);
    if (text !== "") return text;
  }
  return "";
}

function textOf(node: unknown, key: string): string {
  if (!isMap(node)) return "";
  const value: unknown = node.get(key);
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** A step's keys and values as plain data. */
export function dataOf(source: Source, path: Path): Record<string, unknown> {
  const value = valueAt(source, path);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
