// A stored file (`file://bucket/name`), fetched with the key when a person asks for it and shown in
// the page. Only these kinds are shown, each under its own type: nothing in a file can run here.

import { bytes } from "./client.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { changed, isOpen, setOpen } from "./widgets.js";

const ADDRESS = /^file:\/\/([a-z0-9][a-z0-9-]{0,62})\/([A-Za-z0-9][A-Za-z0-9._ ()-]{0,199})$/;
const MOST_KEPT = 6;
const kept = new Map();

/** Bucket and name of a `file://` address; null for other texts. */
export function fileOf(uri) {
  const parts = typeof uri === "string" ? ADDRESS.exec(uri) : null;
  return parts ? { bucket: parts[1], name: parts[2] } : null;
}

/** Every file address that stands somewhere in a value. */
export function filesIn(value, found = new Set()) {
  if (fileOf(value)) found.add(value);
  else if (value && typeof value === "object") Object.values(value).forEach((one) => filesIn(one, found));
  return [...found];
}

const keyOf = (owner, uri) => `file:${owner}:${uri}`;

/** A button that shows the file beside the task or the step, and hides it again. */
export function fileLink(owner, uri) {
  const shown = isOpen(keyOf(owner, uri));
  return h(
    "button",
    { type: "button", class: "button", "aria-expanded": String(shown), onclick: () => setOpen(keyOf(owner, uri), !shown) },
    icon("written", 16),
    h("span", { class: "clip" }, `${shown ? "Hide" : "Show"} ${fileOf(uri).name}`),
  );
}

/** The files of `value` that are shown now; null when there are none. */
export function fileViewer(owner, value) {
  const shown = filesIn(value).filter((uri) => isOpen(keyOf(owner, uri)));
  return shown.length ? h("div", { class: "files", key: "files", created: (node) => node.scrollIntoView({ block: "nearest" }) }, shown.map(viewer)) : null;
}

function viewer(uri) {
  const { name } = fileOf(uri);
  const file = kept.get(uri) ?? load(uri, name);
  return h("figure", { class: "file", key: uri }, content(file, name), h("figcaption", { class: "mono" }, name));
}

function content(file, name) {
  if (file.cause) return h("p", { class: "cause", role: "alert" }, icon("failed", 16), file.cause);
  if (file.text !== undefined) return h("pre", { class: "file-text", tabindex: "0" }, file.text);
  if (!file.src) return h("div", { class: "picture-wait" }, icon("written", 24), "Loading the file …");
  if (file.kind === "application/pdf") return h("iframe", { class: "file-pages", src: `${file.src}#navpanes=0&view=FitH`, title: `The file ${name}` });
  if (file.kind) return h("img", { src: file.src, alt: `The file ${name}` });
  return h("p", {}, "A browser cannot show this kind of file. ", h("a", { href: file.src, download: name }, "Save it"));
}

export function forgetFiles() {
  for (const uri of [...kept.keys()]) forget(uri);
}

function load(uri, name) {
  const file = { src: null, kind: null };
  const { bucket } = fileOf(uri);
  kept.set(uri, file);
  if (kept.size > MOST_KEPT) forget(kept.keys().next().value);
  bytes(`api/files/${encodeURIComponent(bucket)}/${encodeURIComponent(name)}`).then(
    (answer) => take(file, answer),
    (error) => Object.assign(file, { cause: `The file cannot be shown: ${error.message}` }),
  ).then(changed);
  return file;
}

const SHOWN = new Set(["application/pdf", "image/png", "image/jpeg"]);

/** The type of the blob is one of ours, never the answer's word: a page in a file stays a file. */
function take(file, { type, data }) {
  const [kind, charset] = type.split(/;\s*charset=/i);
  if (kind === "text/plain") file.text = new TextDecoder(charset || "utf-8").decode(data);
  else {
    file.kind = SHOWN.has(kind) ? kind : null;
    file.src = URL.createObjectURL(new Blob([data], { type: file.kind ?? "application/octet-stream" }));
  }
}

function forget(uri) {
  const { src } = kept.get(uri);
  if (src) URL.revokeObjectURL(src);
  kept.delete(uri);
}
