/**
 * Changes of a definition's text, each as small as it can be: what is not changed keeps its bytes.
 *
 * Every function takes what was read and gives the new text; read it again before the next change.
 */
import { type ParsedNode, type YAMLMap, type YAMLSeq, isAlias, isMap, isScalar, isSeq } from "yaml";
import { insertItem, removeItem } from "./items";
import { type Path, pathText } from "./path";
import { type ParsedPair, colonEnd, columnOf, contentEnd, isEmptyScalar, isFlow } from "./ranges";
import { lineEnd, lineStart, pairEnd, pairOf, withComments } from "./ranges";
import { afterKey, inFlow, isPlainData, itemText, keyText, pairInFlow } from "./render";
import { type Source, nodeAt, read, valueAt } from "./source";
import { EditError, splice } from "./splice";

/** Give a place a value. `order` says where a new key goes among those that are there. */
export function setValue(source: Source, path: Path, value: unknown, order: readonly string[] = []): string {
  if (path.length === 0) return setRoot(source, value);
  const there = nodeAt(source, path);
  if (there !== undefined && same(there.toJS(source.doc), value)) return source.text;
  const parentPath = path.slice(0, -1);
  const key = path[path.length - 1] ?? "";
  const parent = nodeAt(source, parentPath);
  if (isAlias(parent)) throw shared(parentPath);
  if (isMap(parent)) {
    const pair = pairOf(parent, key);
    if (pair === undefined) return insertPair(source, parentPath, parent, String(key), value, order);
    return replacePair(source, path, parent, pair, value);
  }
  if (isSeq(parent) && typeof key === "number") {
    if (key >= parent.items.length) {
      return insertItem(source, parentPath, parent.items.length, itemText(value, source.style));
    }
    return replaceItem(source, path, parent, key, value);
  }
  return setValue(source, parentPath, typeof key === "number" ? [value] : { [key]: value }, order);
}

/** Take a key or an item away, with the comments directly above it. */
export function removeValue(source: Source, path: Path): string {
  const parentPath = path.slice(0, -1);
  const key = path[path.length - 1] ?? "";
  const parent = nodeAt(source, parentPath);
  if (isAlias(parent)) throw shared(parentPath);
  if (isSeq(parent) && typeof key === "number") return removeItem(source, parentPath, key);
  if (!isMap(parent)) return source.text;
  const pair = pairOf(parent, key);
  if (pair === undefined) return source.text;
  if (parent.items.length === 1) return replaceWhole(source, parentPath, parent, "{}");
  return removePair(source.text, parent, pair);
}

function setRoot(source: Source, value: unknown): string {
  if (source.style.json) return `${JSON.stringify(value, null, 2)}\n`;
  return `${afterKey(value, source.style, 0).replace(/^\n/, "").replace(/^ {2}/gm, "")}\n`;
}

function shared(path: Path): EditError {
  return new EditError(`${pathText(path)} is written elsewhere and used here (*); change it in the YAML`);
}

function replacePair(source: Source, path: Path, parent: YAMLMap, pair: ParsedPair, value: unknown): string {
  const { text, style } = source;
  const old = pair.value;
  if (isAlias(old)) throw shared(path);
  const merged = merge(source, path, old, value);
  if (merged !== undefined) return merged;
  if (isFlow(parent)) {
    const put = inFlow(value, style, isScalar(old) ? old : undefined);
    if (old !== null && !isEmptyScalar(old)) return splice(text, old.range[0], old.range[1], put);
    const end = colonEnd(text, pair);
    return splice(text, end, end, text[end - 1] === ":" ? ` ${put}` : `: ${put}`);
  }
  const column = columnOf(text, pair.key.range[0]);
  if (isScalar(old) && isPlainData(value) && !isEmptyScalar(old)) {
    const put = afterKey(value, style, column, old).trimStart();
    return splice(text, old.range[0], contentEnd(text, old), put);
  }
  return splice(text, colonEnd(text, pair), pairEnd(text, pair), afterKey(value, style, column));
}

function replaceItem(source: Source, path: Path, parent: YAMLSeq, index: number, value: unknown): string {
  const { text, style } = source;
  const old = parent.items[index] as ParsedNode;
  if (isAlias(old)) throw shared(path);
  const merged = merge(source, path, old, value);
  if (merged !== undefined) return merged;
  const like = isScalar(old) ? old : undefined;
  if (isFlow(parent)) return splice(text, old.range[0], old.range[1], inFlow(value, style, like));
  const column = Math.max(columnOf(text, old.range[0]) - 2, 0);
  if (like && isPlainData(value)) {
    const put = afterKey(value, style, column, like).trimStart();
    return splice(text, old.range[0], contentEnd(text, old), put);
  }
  const list = path.slice(0, -1);
  const without = read(insertItem(source, list, index + 1, itemText(value, style)));
  return removeItem(without, list, index);
}

/** Objects and lists are changed key by key, so that what stays keeps its comments and quotes. */
function merge(source: Source, path: Path, old: ParsedNode | null, value: unknown): string | undefined {
  if (isMap(old) && isRecord(value) && old.items.length > 0 && Object.keys(value).length > 0) {
    return mergeMap(source, path, value);
  }
  if (isSeq(old) && Array.isArray(value) && old.items.length > 0 && value.length > 0) {
    return mergeList(source, path, value);
  }
  return undefined;
}

function mergeMap(source: Source, path: Path, value: Record<string, unknown>): string {
  const had = valueAt(source, path) as Record<string, unknown>;
  let now = source;
  for (const [key, part] of Object.entries(value)) {
    if (!(key in had) || !same(had[key], part)) now = read(setValue(now, [...path, key], part));
  }
  for (const key of Object.keys(had)) {
    if (!(key in value)) now = read(removeValue(now, [...path, key]));
  }
  return now.text;
}

function mergeList(source: Source, path: Path, value: unknown[]): string {
  let now = source;
  const had = valueAt(source, path) as unknown[];
  let head = 0;
  while (head < had.length && head < value.length && same(had[head], value[head])) head += 1;
  let tail = 0;
  const room = Math.min(had.length, value.length) - head;
  while (tail < room && same(had[had.length - 1 - tail], value[value.length - 1 - tail])) tail += 1;
  const [old, fresh] = [had.length - head - tail, value.length - head - tail];
  for (let at = 0; at < Math.min(old, fresh); at += 1) {
    now = read(setValue(now, [...path, head + at], value[head + at]));
  }
  for (let at = old; at < fresh; at += 1) {
    now = read(insertItem(now, path, head + at, itemText(value[head + at], now.style)));
  }
  for (let at = fresh; at < old; at += 1) now = read(removeItem(now, path, head + fresh));
  return now.text;
}

/** Put text in the place of a whole value. */
export function replaceWhole(source: Source, path: Path, node: ParsedNode, put: string): string {
  const { text } = source;
  const parent = path.length > 0 ? nodeAt(source, path.slice(0, -1)) : undefined;
  const pair = isMap(parent) ? pairOf(parent, path[path.length - 1] ?? "") : undefined;
  if (pair === undefined || isFlow(parent)) {
    return splice(text, node.range[0], contentEnd(text, node), put);
  }
  return splice(text, colonEnd(text, pair), pairEnd(text, pair), put.startsWith("\n") ? put : ` ${put}`);
}

function insertPair(
  source: Source,
  path: Path,
  map: YAMLMap.Parsed,
  key: string,
  value: unknown,
  order: readonly string[],
): string {
  const { text, style } = source;
  const pairs = map.items as unknown as ParsedPair[];
  if (pairs.length === 0) {
    const holder = path.length > 0 ? nodeAt(source, path.slice(0, -1)) : undefined;
    const whole = isFlow(holder) || style.json ? `{${pairInFlow(key, value, style)}}` : undefined;
    if (whole !== undefined) return splice(text, map.range[0], map.range[1], whole);
    return replaceEmpty(source, path, map, { [key]: value });
  }
  const after = before(pairs, key, order);
  if (isFlow(map)) {
    const put = pairInFlow(key, value, style);
    const anchor = after < 0 ? pairs[0] : pairs[after];
    if (anchor === undefined) return text;
    if (after < 0) return splice(text, anchor.key.range[0], anchor.key.range[0], `${put}, `);
    const end = pairEnd(text, anchor);
    return splice(text, end, end, `, ${put}`);
  }
  const first = pairs[0] as ParsedPair;
  const column = columnOf(text, first.key.range[0]);
  const put = `${keyText(key, style)}:${afterKey(value, style, column)}`;
  if (after < 0) {
    const at = first.key.range[0];
    return splice(text, at, at, `${put}\n${" ".repeat(column)}`);
  }
  const end = lineEnd(text, pairEnd(text, pairs[after] as ParsedPair));
  return splice(text, end, end, `\n${" ".repeat(column)}${put}`);
}

function replaceEmpty(source: Source, path: Path, map: YAMLMap.Parsed, value: unknown): string {
  const { text, style } = source;
  const parent = path.length > 0 ? nodeAt(source, path.slice(0, -1)) : undefined;
  const key = path[path.length - 1];
  if (isMap(parent) && key !== undefined) {
    const pair = pairOf(parent, key);
    if (pair) {
      const column = columnOf(text, pair.key.range[0]);
      return splice(text, colonEnd(text, pair), pairEnd(text, pair), afterKey(value, style, column));
    }
  }
  return splice(text, map.range[0], map.range[1], inFlow(value, style));
}

/** The index of the pair after which a new key goes: by the order, and at the end without one. */
function before(pairs: readonly ParsedPair[], key: string, order: readonly string[]): number {
  const rank = order.indexOf(key);
  if (rank < 0) return pairs.length - 1;
  let found = -1;
  pairs.forEach((pair, at) => {
    const its = order.indexOf(isScalar(pair.key) ? String(pair.key.value) : "");
    if (its >= 0 && its < rank) found = at;
  });
  return found;
}

function removePair(text: string, map: YAMLMap, pair: ParsedPair): string {
  const pairs = map.items as unknown as ParsedPair[];
  const at = pairs.indexOf(pair);
  const next = pairs[at + 1];
  const start = pair.key.range[0];
  if (isFlow(map)) {
    if (next) return splice(text, start, next.key.range[0], "");
    const previous = pairs[at - 1];
    return splice(text, previous ? pairEnd(text, previous) : start, pairEnd(text, pair), "");
  }
  const line = lineStart(text, start);
  if (text.slice(line, start).trim() !== "" && next) return splice(text, start, next.key.range[0], "");
  const from = withComments(text, line, start - line);
  const end = lineEnd(text, pairEnd(text, pair));
  if (end < text.length) return splice(text, from, end + 1, "");
  return splice(text, Math.max(from - 1, 0), end, "");
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Equal as data: the order of keys does not count. */
export function same(first: unknown, second: unknown): boolean {
  if (Object.is(first, second)) return true;
  if (Array.isArray(first) && Array.isArray(second)) {
    return first.length === second.length && first.every((part, at) => same(part, second[at]));
  }
  if (!isRecord(first) || !isRecord(second)) return false;
  const keys = Object.keys(first);
  return keys.length === Object.keys(second).length && keys.every((key) => key in second && same(first[key], second[key]));
}
