// A DICOM image, fetched with the key and shown as a picture.

import { picture as fetchPicture } from "./client.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

const MOST_KEPT = 12;
const kept = new Map();
let redraw = () => {};
export const onPicture = (draw) => {
  redraw = draw;
};

/** Study, series and instance of `dicom://study/series/instance`; null for other addresses. */
export function instanceOf(uri) {
  const found = /^dicom:\/\/([0-9.]+)\/([0-9.]+)\/([0-9.]+)$/.exec(uri);
  return found ? { study: found[1], series: found[2], instance: found[3] } : null;
}

/** Every address of an instance that stands somewhere in a value. */
export function instancesIn(value, found = new Set()) {
  if (typeof value === "string" && instanceOf(value)) found.add(value);
  else if (value && typeof value === "object") Object.values(value).forEach((one) => instancesIn(one, found));
  return [...found];
}

export function picture(uri, { named = true } = {}) {
  const known = kept.get(uri) ?? load(uri);
  return h(
    "figure",
    { class: "picture", key: uri },
    known.src
      ? h("img", { src: known.src, alt: "The image of this DICOM instance" })
      : h("div", { class: "picture-wait" }, icon("image", 24), known.cause ?? "Loading the image …"),
    named ? h("figcaption", { class: "mono" }, uri) : null,
  );
}

export function forgetPictures() {
  for (const { src } of kept.values()) if (src) URL.revokeObjectURL(src);
  kept.clear();
}

function load(uri) {
  const state = { src: null, cause: null };
  const { study, series, instance } = instanceOf(uri);
  const path = `dicomweb/studies/${study}/series/${series}/instances/${instance}/rendered`;
  kept.set(uri, state);
  if (kept.size > MOST_KEPT) forget(kept.keys().next().value);
  fetchPicture(path).then(
    (src) => Object.assign(state, { src }),
    (error) => Object.assign(state, { cause: `The image cannot be shown: ${error.message}` }),
  ).then(redraw);
  return state;
}

function forget(uri) {
  const { src } = kept.get(uri);
  if (src) URL.revokeObjectURL(src);
  kept.delete(uri);
}
