/**
 * What one does to a workflow on the canvas, as changes of its text.
 *
 * Each takes the text and gives the new text, and what to select afterwards. A result that could
 * not be read again is never given out: the operation is refused instead.
 */
import { isMap, isScalar, isSeq, parse } from "yaml";
import { isRecord, removeValue, setValue } from "./edit";
import { cutText, insertItem, removeItem } from "./items";
import { NAMED_LISTS, STEP_ID, WORKFLOW_ORDER, stepOrder } from "./language";
import { type Step, type Workflow, walk, workflowOf } from "./model";
import { type Path, placeOf, samePath, within } from "./path";
import { itemText } from "./render";
import { renameMentions } from "./references";
import { type Source, isBroken, nodeAt, read, valueAt } from "./source";
import { EditError } from "./splice";

/** A place between steps: the list, and the index that a new step there would have. */
export interface Place {
  list: Path;
  index: number;
}

export interface Changed {
  text: string;
  /** The key of the node to select; null leaves the selection alone. */
  select: string | null;
}

export const NEW_WORKFLOW = "workflow:\n  name: New workflow\n  steps: []\n";

/** Set a field of a step, a trigger or the workflow; undefined takes it away. */
export function setField(text: string, at: Path, field: Path, value: unknown, parameters: readonly string[] = []): Changed {
  const source = readable(text);
  const path = [...at, ...field];
  if (value === undefined) return checked(removeField(source, at, path), null);
  const order = samePath(at, source.root) ? WORKFLOW_ORDER : stepOrder(parameters);
  return checked(setValue(source, path, value, field.length === 1 ? order : []), null);
}

/** What is left empty by taking a field away goes too, up to the step itself. */
function removeField(source: Source, at: Path, path: Path): string {
  const parent = path.slice(0, -1);
  const holder = nodeAt(source, parent);
  const lonely = (isMap(holder) || isSeq(holder)) && holder.items.length === 1;
  if (lonely && parent.length > at.length) return removeField(source, at, parent);
  return removeValue(source, path);
}

/** Put a new step in; its id is made unique. */
export function insertStep(text: string, place: Place, step: Record<string, unknown>): Changed {
  const source = readable(text);
  const id = freeId(source, String(step.id ?? step.type ?? "step"));
  return checked(put(source, place, itemText({ ...step, id }, source.style)), id);
}

/** Put steps in as YAML text, as it was copied; ids that are taken get new ones. */
export function pasteSteps(text: string, place: Place, pasted: string): Changed {
  let source = readable(text);
  const items = stepsIn(pasted);
  let at = place.index;
  let last: string | null = null;
  for (const item of items) {
    const fresh = withFreeIds(source, item);
    source = read(put(source, { list: place.list, index: at }, fresh.text));
    at += 1;
    last = fresh.id;
  }
  return checked(source.text, last);
}

/** The YAML text of a step, as it would stand in a list. */
export function copyStep(text: string, path: Path): string {
  const { list, index } = placeOf(path);
  return `${cutText(readable(text), list, index)}\n`;
}

export function removeStep(text: string, path: Path): Changed {
  const { list, index } = placeOf(path);
  return checked(removeItem(readable(text), list, index), null);
}

/** Move a step, with everything in it, to another place. */
export function moveStep(text: string, path: Path, to: Place): Changed {
  const source = readable(text);
  const { list, index } = placeOf(path);
  if (within(to.list, path)) throw new EditError("A step cannot stand inside itself");
  const same = samePath(list, to.list);
  if (same && (to.index === index || to.index === index + 1)) return { text, select: null };
  const piece = cutText(source, list, index);
  const id = valueAt(source, [...path, "id"]);
  const cut = read(removeItem(source, list, index));
  return checked(put(cut, shifted(to, list, index), piece), typeof id === "string" ? id : null);
}

/** Where a place is after the item at `list[index]` was taken away. */
function shifted(to: Place, list: Path, index: number): Place {
  if (samePath(to.list, list)) return to.index > index ? { list, index: to.index - 1 } : to;
  const part = to.list[list.length];
  if (!within(to.list, list) || typeof part !== "number" || part <= index) return to;
  return { list: [...list, part - 1, ...to.list.slice(list.length + 1)], index: to.index };
}

/** Give a step another id, and say so wherever it is named. */
export function renameStep(text: string, path: Path, id: string): Changed {
  const source = readable(text);
  const old = valueAt(source, [...path, "id"]);
  if (old === id) return { text, select: null };
  if (!STEP_ID.test(id)) throw new EditError("An id has letters, digits, _ and -, at most 64");
  if (idsOf(workflowOf(source)).has(id)) throw new EditError(`There is a step ${id} already`);
  const named = typeof old === "string" ? read(renameMentions(source, old, id)) : source;
  return checked(setValue(named, [...path, "id"], id, stepOrder([])), id);
}

/** One more branch or case; its name is made unique. */
export function addBranch(text: string, path: Path, holder: string, name: string): Changed {
  const source = readable(text);
  if (!(holder in NAMED_LISTS)) {
    return checked(setValue(source, [...path, holder], [], stepOrder([])), null);
  }
  const there = valueAt(source, [...path, holder]);
  let free = name;
  for (let at = 2; isRecord(there) && free in there; at += 1) free = `${name}-${at}`;
  return checked(setValue(source, [...path, holder, free], [], stepOrder([])), null);
}

export function removeBranch(text: string, lane: Path): Changed {
  return checked(removeValue(readable(text), lane), null);
}

/** Give a branch or a case another name. */
export function renameBranch(text: string, lane: Path, name: string): Changed {
  const source = readable(text);
  const old = String(lane[lane.length - 1]);
  const holder = nodeAt(source, lane.slice(0, -1));
  const pair = isMap(holder) ? holder.items.find((item) => isScalar(item.key) && String(item.key.value) === old) : undefined;
  const range = isScalar(pair?.key) ? pair.key.range : undefined;
  if (!range || !isMap(holder)) return { text, select: null };
  if (holder.has(name)) throw new EditError(`There is a branch ${name} already`);
  const key = itemText(name, source.style).slice(2);
  return checked(text.slice(0, range[0]) + key + text.slice(range[1]), null);
}

/** One more trigger: a single `trigger` becomes a list when a second one comes. */
export function addTrigger(text: string, trigger: Record<string, unknown>): Changed {
  const source = readable(text);
  const one = [...source.root, "trigger"];
  const many = [...source.root, "triggers"];
  const there = nodeAt(source, many);
  if (isSeq(there)) {
    const index = there.items.length;
    return checked(insertItem(source, many, index, itemText(trigger, source.style)), `trigger:${index}`);
  }
  const first = valueAt(source, one);
  if (!isRecord(first)) return checked(setValue(source, one, trigger, WORKFLOW_ORDER), "trigger:0");
  const without = read(removeValue(source, one));
  return checked(setValue(without, many, [first, trigger], WORKFLOW_ORDER), "trigger:1");
}

export function removeTrigger(text: string, path: Path): Changed {
  const source = readable(text);
  const index = path[path.length - 1];
  const list = path.slice(0, -1);
  const siblings = nodeAt(source, list);
  if (typeof index !== "number") return checked(removeValue(source, path), null);
  if (isSeq(siblings) && siblings.items.length === 1) return checked(removeValue(source, list), null);
  return checked(removeItem(source, list, index), null);
}

/** Put an item in, making its list when it is not there yet. */
function put(source: Source, place: Place, item: string): string {
  const list = nodeAt(source, place.list);
  if (isSeq(list)) return insertItem(source, place.list, Math.min(place.index, list.items.length), item);
  const made = read(setValue(source, place.list, [], place.list.length === source.root.length + 1 ? WORKFLOW_ORDER : stepOrder([])));
  return insertItem(made, place.list, 0, item);
}

function readable(text: string): Source {
  const source = read(text);
  const problem = source.problems[0];
  if (problem) throw new EditError(`The YAML cannot be read at line ${problem.line}: ${problem.message}`);
  return source.doc.contents === null ? read(NEW_WORKFLOW) : source;
}

function checked(text: string, select: string | null): Changed {
  if (isBroken(read(text))) throw new EditError("This cannot be changed on the canvas; change it in the YAML");
  return { text, select };
}

export function idsOf(workflow: Workflow): Set<string> {
  return new Set([...walk(workflow.steps)].map((step: Step) => step.id));
}

/** The id, or the id with the first number behind it that is free. */
export function freeId(source: Source, wanted: string): string {
  const taken = idsOf(workflowOf(source));
  const stem = wanted.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^-+/, "").slice(0, 56) || "step";
  let id = stem;
  for (let at = 2; taken.has(id); at += 1) id = `${stem.replace(/-\d+$/, "")}-${at}`;
  return id;
}

/** The steps in pasted text: a list of them, one of them, or those of a whole workflow. */
function stepsIn(pasted: string): string[] {
  const source = read(pasted);
  if (source.doc.errors.length > 0) throw new EditError("What was copied is not YAML");
  const contents = source.doc.contents;
  const lists: Path[] = [[], [...source.root, "steps"]];
  for (const list of lists) {
    const node = nodeAt(source, list);
    if (isSeq(node) && node.items.length > 0 && node.items.every((item) => isMap(item))) {
      return node.items.map((_, at) => cutText(source, list, at));
    }
  }
  if (isMap(contents) && (contents.has("type") || contents.has("use"))) {
    return [itemText(parse(pasted), source.style)];
  }
  throw new EditError("What was copied holds no steps");
}

function withFreeIds(target: Source, item: string): { text: string; id: string | null } {
  const wrap = (text: string) => read(`steps:\n${text.replace(/^/gm, "  ")}\n`);
  let source = wrap(item);
  const taken = idsOf(workflowOf(target));
  for (const step of [...walk(workflowOf(source).steps)]) {
    if (step.id !== "" && !taken.has(step.id)) continue;
    const path = [...walk(workflowOf(source).steps)].find((one) => one.key === step.key)?.path ?? step.path;
    const both = new Set([...taken, ...idsOf(workflowOf(source))]);
    let id = step.id || step.type || "step";
    const stem = id.replace(/-\d+$/, "");
    for (let at = 2; both.has(id); at += 1) id = `${stem}-${at}`;
    source = read(setValue(read(renameMentions(source, step.id, id)), [...path, "id"], id, stepOrder([])));
  }
  const first = workflowOf(source).steps[0];
  return { text: cutText(source, ["steps"], 0), id: first?.id ?? null };
}
