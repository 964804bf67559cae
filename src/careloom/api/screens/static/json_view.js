// JSON, indented, with references to the FHIR store as links.

import { h } from "./dom.js";
import { isReference } from "./format.js";
import { href } from "./router.js";
import { fold } from "./widgets.js";

const MOST_LINES = 2000;

/** A folded part with a value as JSON. */
export function jsonFold(key, title, value, options) {
  return fold(key, title, () => jsonText(value), options);
}

export function jsonText(value) {
  const lines = [];
  write(value, "", "", "", lines);
  const shown = lines.slice(0, MOST_LINES);
  const rest = lines.length - shown.length;
  return h(
    "pre",
    { class: "json", tabindex: "0" },
    shown.flat(),
    rest > 0 ? `… ${rest} more lines` : null,
  );
}

/** A link to the FHIR JSON view for `Patient/123`. */
export const reference = (text) => h("a", { class: "mono", href: href("fhir", text.split("/")) }, text);

/** A text with its references and run ids as links. */
export function linked(text) {
  const parts = text.split(/(\b[A-Z][A-Za-z]{2,40}\/[0-9a-f][0-9a-f-]{7,63}\b|\brun_[0-9a-f]{32}\b)/);
  return parts.map((part, index) => {
    if (index % 2 === 0) return part;
    return part.startsWith("run_") ? h("a", { href: href("runs", [part]) }, part) : reference(part);
  });
}

function write(value, indent, before, after, lines) {
  if (value === null || typeof value !== "object") {
    lines.push([indent, ...named(before), leaf(value), `${after}\n`]);
    return;
  }
  const list = Array.isArray(value);
  const entries = Object.entries(value);
  const [open, close] = list ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) {
    lines.push([indent, ...named(before), `${open}${close}${after}\n`]);
    return;
  }
  lines.push([indent, ...named(before), `${open}\n`]);
  entries.forEach(([name, one], index) => {
    write(one, `${indent}  `, list ? "" : name, index < entries.length - 1 ? "," : "", lines);
  });
  lines.push([`${indent}${close}${after}\n`]);
}

const named = (name) => (name === "" ? [] : [h("span", { class: "json-name" }, JSON.stringify(name)), ": "]);

function leaf(value) {
  if (typeof value === "string" && isReference(value)) return h("span", {}, '"', reference(value), '"');
  const kind = value === null ? "null" : typeof value;
  return h("span", { class: `json-${kind}` }, JSON.stringify(value));
}
