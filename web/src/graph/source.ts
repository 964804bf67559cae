/** A definition as text, read into nodes that know where in the text they stand. */
import { type Document, LineCounter, type ParsedNode, isMap, parseDocument } from "yaml";
import type { Path } from "./path";

/** Why the text cannot be read, and where; lines and columns count from one. */
export interface Problem {
  message: string;
  line: number;
  column: number;
}

/** How the text is written, so that what is added looks like its surroundings. */
export interface Style {
  indent: number;
  indentSeq: boolean;
  json: boolean;
}

export interface Source {
  text: string;
  doc: Document.Parsed<ParsedNode>;
  /** Where the workflow stands: under `workflow`, or at the root. */
  root: Path;
  style: Style;
  problems: Problem[];
}

const LONGEST_MESSAGE = 160;

export function read(text: string): Source {
  const lines = new LineCounter();
  const doc = parseDocument(text, {
    keepSourceTokens: true,
    lineCounter: lines,
    prettyErrors: false,
    strict: true,
    uniqueKeys: true,
    version: "1.2",
  });
  const problems = doc.errors.map((error) => {
    const { line, col } = lines.linePos(Math.min(error.pos[0], text.length));
    return { message: plainWords(error.message), line, column: col };
  });
  if (problems.length === 0 && doc.contents !== null && !isMap(doc.contents) && text.trim() !== "") {
    problems.push({ message: "A workflow is a mapping of keys to values", line: 1, column: 1 });
  }
  const root: Path = isMap(doc.contents) && doc.contents.has("workflow") ? ["workflow"] : [];
  return { text, doc, root, style: styleOf(text), problems };
}

export function isBroken(source: Source): boolean {
  return source.problems.length > 0;
}

/** The value at a path as plain data; undefined when nothing stands there. */
export function valueAt(source: Source, path: Path): unknown {
  const node = nodeAt(source, path);
  return node === undefined ? undefined : node.toJS(source.doc);
}

/** The node at a path; undefined when nothing stands there. */
export function nodeAt(source: Source, path: Path): ParsedNode | undefined {
  if (path.length === 0) return source.doc.contents ?? undefined;
  const found: unknown = source.doc.getIn([...path], true);
  return (found ?? undefined) as ParsedNode | undefined;
}

/** Line and column, from one, of a place in the text. */
export function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}

/** The offset of a line and column that count from one; the end when the text is shorter. */
export function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let at = 1; at < line; at += 1) {
    const next = text.indexOf("\n", start);
    if (next < 0) return text.length;
    start = next + 1;
  }
  return Math.min(start + column - 1, text.length);
}

function styleOf(text: string): Style {
  const json = text.trimStart().startsWith("{");
  const nested = /^([ ]*)[^\s#-][^\n]*:[ ]*\n(?:[ ]*(?:#[^\n]*)?\n)*([ ]*)- /m.exec(text);
  const deeper = /^([ ]*)[^\s#-][^\n]*:[ ]*\n([ ]+)[^\s#-]/m.exec(text);
  const step = deeper ? (deeper[2]?.length ?? 2) - (deeper[1]?.length ?? 0) : 2;
  const indentSeq = nested ? (nested[2]?.length ?? 0) > (nested[1]?.length ?? 0) : true;
  return { indent: step > 0 && step <= 8 ? step : 2, indentSeq, json };
}

function plainWords(message: string): string {
  const first = message.split("\n")[0] ?? message;
  return first.length > LONGEST_MESSAGE ? `${first.slice(0, LONGEST_MESSAGE)}…` : first;
}
