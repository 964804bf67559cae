// The few parts that every page is made of.

import { state } from "./codes.js";
import { h } from "./dom.js";
import { percent } from "./format.js";
import { icon } from "./icons.js";

/** What is unfolded, by key; kept while the tab lives. */
const unfolded = new Map();
let redraw = () => {};
export const onChange = (draw) => {
  redraw = draw;
};
/** What is shown has changed without an answer of the server. */
export const changed = () => redraw();
export const isOpen = (key, otherwise = false) => unfolded.get(key) ?? otherwise;
export function setOpen(key, value) {
  unfolded.set(key, value);
  redraw();
}

/** A state as icon and word. */
export function chip(name, word) {
  const known = state(name);
  return h("span", { class: `chip ${known.kind}` }, icon(known.icon, 14), word ?? known.word);
}

/** A part that opens: its content is made only when it is open. */
export function fold(key, title, content, { open = false, count } = {}) {
  const shown = isOpen(key, open);
  return h(
    "section",
    { class: "fold", key },
    h(
      "button",
      { class: "fold-head", "aria-expanded": String(shown), onclick: () => setOpen(key, !shown) },
      h("span", { class: shown ? "turn turned" : "turn" }, icon("open", 14)),
      h("span", {}, title),
      count === undefined ? null : h("span", { class: "count" }, String(count)),
    ),
    shown ? h("div", { class: "fold-body" }, content()) : null,
  );
}

/** Names and values; empty ones are left out. */
export function facts(pairs) {
  const told = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, told.map(([name, value]) => h("div", { key: name }, h("dt", {}, name), h("dd", {}, value))));
}

/** A share of 1 as a labelled bar. */
export function share(label, value) {
  const shown = percent(value);
  return h(
    "div",
    { class: "share" },
    h("div", { class: "share-words" }, h("span", {}, label), h("strong", {}, shown)),
    h(
      "div",
      { class: "track", role: "meter", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "1", "aria-valuenow": value.toFixed(3), "aria-valuetext": shown },
      h("div", { class: "fill", style: { width: `${Math.max(0, Math.min(1, value)) * 100}%` } }),
    ),
  );
}

/** An empty page: what will appear here, and one thing to do. */
export function empty(sign, title, text, link) {
  return h(
    "div",
    { class: "empty" },
    icon(sign, 28),
    h("h2", {}, title),
    h("p", {}, text),
    link ? h("a", { class: "button", href: link.href }, link.text) : null,
  );
}

/** An error: what happened, what is safe, what to do. */
export function problem(error, safe = "Nothing was changed.") {
  const said = error.status === 403 ? "This key may not do that" : error.message;
  const next = error.fix ?? (error.status === 403 ? "Ask for a key with that role." : "Try again; if it stays so, look at the server's log.");
  return h(
    "div",
    { class: "problem", role: "alert" },
    icon("failed", 18),
    h("div", {}, h("p", {}, h("strong", {}, sentence(said))), h("p", {}, `${safe} ${sentence(next)}`)),
  );
}

/** First letter large, a full stop at the end. */
export function sentence(text) {
  const said = String(text ?? "").trim();
  if (!said) return "";
  return said.charAt(0).toUpperCase() + said.slice(1) + (/[.!?…]$/.test(said) ? "" : ".");
}

/** A row of a list that opens something. */
export function row(key, target, current, ...content) {
  return h(
    "li",
    { key },
    h("a", { class: "row", href: target, "aria-current": current ? "true" : null }, ...content),
  );
}

/** A page of two halves: a list, and what is open in it. */
export function split({ title, filters, list, detail, open }) {
  return h(
    "div",
    { class: open ? "split opened" : "split" },
    h("section", { class: "list", "aria-label": title }, h("header", { class: "list-head" }, h("h1", {}, title), filters ?? null), list),
    h("section", { class: "detail", "aria-label": "Details" }, detail),
  );
}

/** The heading of what is open; it takes the focus when something else is opened. */
export function heading(key, text) {
  return h("h2", { class: "detail-title", tabindex: "-1", key: `title-${key}`, "data-opened": key }, text);
}

export const backLink = (target, text) => h("a", { class: "back", href: target }, icon("back", 16), text);
