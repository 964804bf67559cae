/** Where nodes begin and end in the text. */
import { type ParsedNode, type YAMLMap, type YAMLSeq, isCollection, isMap, isScalar } from "yaml";

export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** The offset of the line's end, before its newline. */
export function lineEnd(text: string, offset: number): number {
  const found = text.indexOf("\n", offset);
  return found < 0 ? text.length : found;
}

export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

export function isFlow(node: unknown): boolean {
  return isCollection(node) && node.flow === true;
}

/** The end of what a node says, without comments and blank lines after it. */
export function contentEnd(text: string, node: ParsedNode): number {
  const range = node.range;
  if (isCollection(node) && !isFlow(node)) {
    const last = node.items[node.items.length - 1];
    if (last === undefined) return range[1];
    if (!isMap(node)) return contentEnd(text, last as ParsedNode);
    const pair = last as { key: ParsedNode; value: ParsedNode | null };
    return pairEnd(text, pair);
  }
  if (isScalar(node) && (node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED")) {
    let end = range[1];
    while (end > range[0] && /\s/.test(text[end - 1] ?? "")) end -= 1;
    return end;
  }
  return range[1];
}

export interface ParsedPair {
  key: ParsedNode;
  value: ParsedNode | null;
}

export function pairEnd(text: string, pair: ParsedPair): number {
  if (pair.value !== null && pair.value.range[1] > pair.key.range[1] && !isEmptyScalar(pair.value)) {
    return contentEnd(text, pair.value);
  }
  return colonEnd(text, pair);
}

export function isEmptyScalar(node: ParsedNode): boolean {
  return isScalar(node) && node.value === null && node.range[0] === node.range[1];
}

/** The offset behind the colon of a pair; behind the key when there is none, as in `{a, b}`. */
export function colonEnd(text: string, pair: ParsedPair): number {
  let at = pair.key.range[1];
  while (at < text.length && /[ \t]/.test(text[at] ?? "")) at += 1;
  return text[at] === ":" ? at + 1 : pair.key.range[1];
}

/** The pair with a key; undefined when there is none. */
export function pairOf(map: YAMLMap, key: string | number): ParsedPair | undefined {
  const found = map.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
  return found as ParsedPair | undefined;
}

/** The offset of the dash before each item of a block list. */
export function dashes(seq: YAMLSeq): number[] {
  const token = seq.srcToken;
  if (token?.type !== "block-seq") throw new Error("only a list of lines has dashes");
  const found: number[] = [];
  for (const item of token.items) {
    const dash = item.start.find((part) => part.type === "seq-item-ind");
    if (dash) found.push(dash.offset);
  }
  return found;
}

/** Where the comments directly above a line begin, when they are written at its column. */
export function withComments(text: string, start: number, column: number): number {
  let from = start;
  while (from > 0) {
    const above = lineStart(text, from - 1);
    const line = text.slice(above, from - 1);
    if (!line.startsWith(`${" ".repeat(column)}#`)) break;
    from = above;
  }
  return from;
}
