/** Items of lists: put in, taken out, cut as text with their comments. */
import { type ParsedNode, type YAMLSeq, isAlias, isMap, isSeq, parse } from "yaml";
import { type Path, pathText } from "./path";
import { colonEnd, columnOf, contentEnd, dashes, isFlow, lineEnd, lineStart, pairEnd } from "./ranges";
import { pairOf, withComments } from "./ranges";
import { inFlow, indented, itemText } from "./render";
import { type Source, nodeAt, valueAt } from "./source";
import { EditError, splice } from "./splice";

interface Chunk {
  from: number;
  /** Behind the newline of the last line. */
  to: number;
  column: number;
}

/** Put an item, as text that begins with `- ` at column 0, into a list. */
export function insertItem(source: Source, list: Path, index: number, item: string): string {
  const found = nodeAt(source, list);
  if (isAlias(found)) throw new EditError(`${pathText(list)} is used from elsewhere; change it in the YAML`);
  if (!isSeq(found)) throw new EditError(`${pathText(list)} is not a list`);
  const { text } = source;
  if (isFlow(found)) return insertInFlow(source, list, found, index, item);
  const column = columnOf(text, dashes(found)[0] ?? 0);
  const put = " ".repeat(column) + indented(item.replace(/\n+$/, ""), column);
  const apart = separated(text, found);
  if (index < found.items.length) {
    const { from } = chunkOf(text, found, index);
    return splice(text, from, from, `${put}\n${apart ? "\n" : ""}`);
  }
  const { to } = chunkOf(text, found, found.items.length - 1);
  const open = text[to - 1] === "\n" ? "" : "\n";
  return splice(text, to, to, `${open}${apart ? "\n" : ""}${put}${open === "" ? "\n" : ""}`);
}

function insertInFlow(source: Source, list: Path, seq: YAMLSeq.Parsed, index: number, item: string): string {
  const { text, style } = source;
  const holder = nodeAt(source, list.slice(0, -1));
  const key = list[list.length - 1];
  if (seq.items.length === 0 && !style.json && isMap(holder) && !isFlow(holder) && key !== undefined) {
    const pair = pairOf(holder, key);
    if (pair) {
      const column = columnOf(text, pair.key.range[0]) + (style.indentSeq ? style.indent : 0);
      const put = `\n${" ".repeat(column)}${indented(item.replace(/\n+$/, ""), column)}`;
      return splice(text, colonEnd(text, pair), pairEnd(text, pair), put);
    }
  }
  const value = (parse(item) as unknown[])[0];
  const put = inFlow(value, style);
  const items = seq.items as ParsedNode[];
  const next = items[index];
  if (next) return splice(text, next.range[0], next.range[0], `${put}, `);
  const last = items[items.length - 1];
  if (last) return splice(text, last.range[1], last.range[1], `, ${put}`);
  return splice(text, seq.range[0], seq.range[1], `[${put}]`);
}

/** Take an item away, with the comments above it; a list without items becomes `[]`. */
export function removeItem(source: Source, list: Path, index: number): string {
  const seq = nodeAt(source, list);
  const { text } = source;
  if (!isSeq(seq) || index >= seq.items.length) return text;
  if (seq.items.length === 1) return emptied(source, list, seq);
  const items = seq.items as ParsedNode[];
  if (isFlow(seq)) {
    const [item, next, previous] = [items[index], items[index + 1], items[index - 1]];
    if (item && next) return splice(text, item.range[0], next.range[0], "");
    return item && previous ? splice(text, previous.range[1], item.range[1], "") : text;
  }
  const { from, to } = chunkOf(text, seq, index);
  if (index === items.length - 1) {
    const blank = /\n(?:[ \t]*\n)+$/.exec(text.slice(0, from));
    const start = blank && separated(text, seq) ? blank.index + 1 : from;
    const tail = splice(text, start, to, "");
    return to === text.length && text[to - 1] !== "\n" ? tail.replace(/\n$/, "") : tail;
  }
  const following = /^(?:[ \t]*\n)+/.exec(text.slice(to));
  return splice(text, from, to + (following ? following[0].length : 0), "");
}

function emptied(source: Source, list: Path, seq: YAMLSeq): string {
  const { text } = source;
  const holder = nodeAt(source, list.slice(0, -1));
  const pair = isMap(holder) ? pairOf(holder, list[list.length - 1] ?? "") : undefined;
  const node = seq as unknown as ParsedNode;
  if (pair && !isFlow(holder)) return splice(text, colonEnd(text, pair), pairEnd(text, pair), " []");
  return splice(text, node.range[0], contentEnd(text, node), "[]");
}

/** An item as text at column 0 with the comments above it, to be put in elsewhere. */
export function cutText(source: Source, list: Path, index: number): string {
  const seq = nodeAt(source, list);
  if (!isSeq(seq) || isFlow(seq)) return itemText(valueAt(source, [...list, index]), source.style);
  const { from, to, column } = chunkOf(source.text, seq, index);
  return dedented(source.text.slice(from, to), column).replace(/\n+$/, "");
}

function dedented(text: string, columns: number): string {
  return columns === 0 ? text : text.replace(new RegExp(`^ {1,${columns}}`, "gm"), "");
}

/** The lines of an item: the comments above it, itself, and deeper comments below it. */
function chunkOf(text: string, seq: YAMLSeq, index: number): Chunk {
  const dash = dashes(seq)[index];
  const node = seq.items[index] as ParsedNode | undefined;
  if (dash === undefined || node === undefined) throw new EditError("there is no such item");
  const line = lineStart(text, dash);
  const column = dash - line;
  if (text.slice(line, dash).trim() !== "") {
    throw new EditError("a list that begins inside another line can only be changed in the YAML");
  }
  let to = Math.min(lineEnd(text, Math.max(contentEnd(text, node), dash)) + 1, text.length);
  for (;;) {
    const below = text.slice(to, lineEnd(text, to));
    const comment = /^( *)#/.exec(below);
    if (!comment || (comment[1]?.length ?? 0) <= column || to >= text.length) break;
    to = Math.min(lineEnd(text, to) + 1, text.length);
  }
  return { from: withComments(text, line, column), to, column };
}

/** True when the items of a list stand apart by blank lines. */
function separated(text: string, seq: YAMLSeq): boolean {
  if (seq.items.length < 2) return false;
  for (let at = 1; at < seq.items.length; at += 1) {
    const between = text.slice(chunkOf(text, seq, at - 1).to, chunkOf(text, seq, at).from);
    if (!between.includes("\n")) return false;
  }
  return true;
}
