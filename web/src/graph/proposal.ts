/** A proposed definition against the one that is there, in parts that can be taken one by one. */
import { parse } from "yaml";
import { isRecord, removeValue, same, setValue } from "./edit";
import { cutText } from "./items";
import { WORKFLOW_ORDER } from "./language";
import { type Step, type Workflow, workflowOf } from "./model";
import { insertStep, removeStep } from "./operations";
import { placeOf } from "./path";
import { read, valueAt } from "./source";

export interface Part {
  key: string;
  kind: "added" | "changed" | "removed" | "trigger" | "workflow";
  /** What it is about: a step's name, or a key of the workflow. */
  title: string;
  before: unknown;
  after: unknown;
}

const TRIGGER_KEYS = ["trigger", "triggers"];
const FIELDS = WORKFLOW_ORDER.filter((key) => key !== "steps" && !TRIGGER_KEYS.includes(key));

export function partsOf(current: string, proposed: string): Part[] {
  const [now, then] = [read(current), read(proposed)];
  const [old, fresh] = [workflowOf(now), workflowOf(then)];
  const parts: Part[] = [];
  const [start, begin] = [triggers(current), triggers(proposed)];
  if (!same(start, begin)) parts.push({ key: "trigger", kind: "trigger", title: "What starts it", before: start, after: begin });
  for (const key of FIELDS) {
    const [before, after] = [valueAt(now, [...old.root, key]), valueAt(then, [...fresh.root, key])];
    if (after !== undefined && !same(before, after)) parts.push({ key: `field:${key}`, kind: "workflow", title: key, before, after });
  }
  const had = outer(old);
  const has = outer(fresh);
  for (const step of fresh.steps) {
    const before = had.get(step.id);
    const after = valueAt(then, step.path);
    if (!before) parts.push({ key: `step:${step.id}`, kind: "added", title: step.name, before: undefined, after });
    else if (!same(valueAt(now, before.path), after)) {
      parts.push({ key: `step:${step.id}`, kind: "changed", title: step.name, before: valueAt(now, before.path), after });
    }
  }
  for (const step of old.steps) {
    if (!has.has(step.id)) parts.push({ key: `step:${step.id}`, kind: "removed", title: step.name, before: valueAt(now, step.path), after: undefined });
  }
  return parts;
}

/** The current text with the chosen parts of the proposal taken over. */
export function take(current: string, proposed: string, chosen: ReadonlySet<string>): string {
  const parts = partsOf(current, proposed);
  if (parts.every((part) => chosen.has(part.key)) && workflowOf(read(current)).steps.length === 0) return proposed;
  let text = current;
  for (const part of parts) if (chosen.has(part.key)) text = taken(text, proposed, part);
  return text;
}

function taken(text: string, proposed: string, part: Part): string {
  const source = read(text);
  const workflow = workflowOf(source);
  const id = part.key.slice(part.key.indexOf(":") + 1);
  switch (part.kind) {
    case "trigger":
      return withTriggers(text, part.after);
    case "workflow":
      return setValue(source, [...workflow.root, id], part.after, WORKFLOW_ORDER);
    case "changed":
      return setValue(source, outer(workflow).get(id)?.path ?? [], part.after);
    case "removed": {
      const path = outer(workflow).get(id)?.path;
      return path ? removeStep(text, path).text : text;
    }
    default:
      return withStep(text, proposed, id);
  }
}

/** A new step goes behind the one that it follows in the proposal, as far as that is there. */
function withStep(text: string, proposed: string, id: string): string {
  const then = workflowOf(read(proposed));
  const step = then.steps.find((one) => one.id === id);
  if (!step) return text;
  const { list, index } = placeOf(step.path);
  const workflow = workflowOf(read(text));
  const before = then.steps.slice(0, index).reverse().find((one) => workflow.steps.some((mine) => mine.id === one.id));
  const at = before ? workflow.steps.findIndex((mine) => mine.id === before.id) + 1 : 0;
  const [data] = parse(cutText(read(proposed), list, index)) as Record<string, unknown>[];
  return insertStep(text, { list: workflow.list, index: at }, data ?? {}).text;
}

function withTriggers(text: string, after: unknown): string {
  let source = read(text);
  const { root } = workflowOf(source);
  const fresh = isRecord(after) ? after : {};
  for (const key of TRIGGER_KEYS) {
    if (fresh[key] === undefined && valueAt(source, [...root, key]) !== undefined) source = read(removeValue(source, [...root, key]));
  }
  for (const key of TRIGGER_KEYS) {
    if (fresh[key] !== undefined) source = read(setValue(source, [...root, key], fresh[key], WORKFLOW_ORDER));
  }
  return source.text;
}

function triggers(text: string): Record<string, unknown> {
  const source = read(text);
  const { root } = workflowOf(source);
  const found: Record<string, unknown> = {};
  for (const key of TRIGGER_KEYS) {
    const value = valueAt(source, [...root, key]);
    if (value !== undefined && value !== null) found[key] = value;
  }
  return found;
}

function outer(workflow: Workflow): Map<string, Step> {
  return new Map(workflow.steps.map((step) => [step.id, step]));
}
