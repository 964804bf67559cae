/** Where steps are named by other steps: in expressions, and by id. */
import { type Scalar, type YAMLMap, isMap, isScalar, isSeq, visit } from "yaml";
import { CONDITIONS } from "./language";
import { type Source, nodeAt } from "./source";
import { splice } from "./splice";
import type { Path } from "./path";

/** Keys that list ids of steps. */
const ID_LISTS: ReadonlySet<string> = new Set(["differentFrom"]);
const NAMED = /\b(?:steps|loops)(?:\.([A-Za-z0-9_][A-Za-z0-9_-]*)|\[\s*\\?['"]([^'"\\\]]+)\\?['"]\s*\])/g;

interface Spot {
  from: number;
  to: number;
  id: string;
}

/** The ids that the step at a path reads, in the order of the text. */
export function readsOf(source: Source, path: Path): string[] {
  const node = nodeAt(source, path);
  if (!isMap(node)) return [];
  const ids = spotsIn(source.text, node).map((spot) => spot.id);
  return [...new Set(ids)];
}

/** The text with every mention of a step renamed; the step's own `id` is left as it is. */
export function renameMentions(source: Source, from: string, to: string): string {
  const root = nodeAt(source, []);
  if (!isMap(root)) return source.text;
  let text = source.text;
  const spots = spotsIn(text, root).filter((spot) => spot.id === from);
  for (const spot of spots.reverse()) text = splice(text, spot.from, spot.to, to);
  return text;
}

function spotsIn(text: string, map: YAMLMap): Spot[] {
  const found: Spot[] = [];
  visit(map, {
    Pair: (_, pair) => {
      const key = isScalar(pair.key) ? String(pair.key.value) : "";
      if (CONDITIONS.has(key) && isScalar(pair.value)) found.push(...spotsOfScalar(text, pair.value, true));
      if (ID_LISTS.has(key) && isSeq(pair.value)) {
        for (const item of pair.value.items) if (isScalar(item)) found.push(...idSpot(text, item));
      }
      return undefined;
    },
    Scalar: (key, node) => {
      if (key !== "key") found.push(...spotsOfScalar(text, node, false));
    },
  });
  const once = new Map(found.map((spot) => [spot.from, spot]));
  return [...once.values()].sort((first, second) => first.from - second.from);
}

function idSpot(text: string, node: Scalar): Spot[] {
  const id = String(node.value);
  const from = text.indexOf(id, node.range?.[0] ?? 0);
  return node.range && from >= 0 && from < node.range[1] ? [{ from, to: from + id.length, id }] : [];
}

function spotsOfScalar(text: string, node: Scalar, whole: boolean): Spot[] {
  if (typeof node.value !== "string" || !node.range) return [];
  const [from, to] = node.range;
  if (whole) return spotsInRange(text, from, to);
  const found: Spot[] = [];
  let at = from;
  while (at < to) {
    const open = text.indexOf("{{", at);
    if (open < 0 || open >= to) break;
    const close = text.indexOf("}}", open);
    const end = close < 0 || close > to ? to : close;
    found.push(...spotsInRange(text, open, end));
    at = end + 2;
  }
  return found;
}

function spotsInRange(text: string, from: number, to: number): Spot[] {
  const part = text.slice(from, to);
  const found: Spot[] = [];
  for (const match of part.matchAll(NAMED)) {
    const id = match[1] ?? match[2] ?? "";
    const start = from + match.index + match[0].indexOf(id, "steps".length);
    found.push({ from: start, to: start + id.length, id });
  }
  return found;
}
