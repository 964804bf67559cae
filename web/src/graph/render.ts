/** New pieces of text, written the way the surroundings are. */
import { Document, Scalar, isScalar, visit } from "yaml";
import type { Style } from "./source";

/** Where the lines of a folded text end, as they do in the shipped workflows. */
const FOLDED_WIDTH = 100;

/** What follows `key:`: ` value` on the same line, or a block on the following lines. */
export function afterKey(value: unknown, style: Style, column: number, like?: Scalar): string {
  if (style.json) return ` ${JSON.stringify(value)}`;
  const content = like && isPlainData(value) ? styled(value, like) : value;
  const width = like?.type === "BLOCK_FOLDED" ? FOLDED_WIDTH - column : 0;
  const text = write({ k: content }, style, width);
  return indented(text.slice("k:".length), column);
}

/** A value inside `[…]` or `{…}`. */
export function inFlow(value: unknown, style: Style, like?: Scalar): string {
  if (style.json) return JSON.stringify(value);
  const doc = new Document([like && isPlainData(value) ? styled(value, like) : value]);
  visit(doc, {
    Collection: (_, node) => {
      node.flow = true;
    },
  });
  const text = doc.toString({ lineWidth: 0, flowCollectionPadding: false, collectionStyle: "flow" });
  return text.trim().slice(1, -1);
}

/** `key: value` inside `{…}`. */
export function pairInFlow(key: string, value: unknown, style: Style): string {
  const name = style.json ? JSON.stringify(key) : inFlow(key, style);
  return `${name}: ${inFlow(value, style)}`;
}

/** A key as it stands in a block. */
export function keyText(key: string, style: Style): string {
  return style.json ? JSON.stringify(key) : write({ [key]: null }, style).replace(/: null\s*$/, "");
}

/** A list item as block text at column 0, beginning with `- `. */
export function itemText(value: unknown, style: Style): string {
  return write([value], { ...style, indentSeq: style.indentSeq });
}

/** Every line but the first moved to the right. */
export function indented(text: string, columns: number): string {
  const space = " ".repeat(columns);
  return text.replace(/\n(?=[^\n])/g, `\n${space}`);
}

function write(value: unknown, style: Style, lineWidth = 0): string {
  const doc = new Document(value);
  const text = doc.toString({
    lineWidth,
    indent: style.indent,
    indentSeq: style.indentSeq,
    flowCollectionPadding: false,
    nullStr: "null",
  });
  return text.replace(/\n$/, "");
}

/** Flat data in the quotes of the scalar that it takes the place of. */
function styled(value: string | number | boolean | null, like: Scalar): Scalar {
  const scalar = new Scalar<unknown>(value);
  const kept = typeof value === "string" && isScalar(like) && typeof like.value === "string";
  if (kept && like.type !== undefined) scalar.type = like.type;
  return scalar;
}

export function isPlainData(value: unknown): value is string | number | boolean | null {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}
