// Incidents: what needs a look, grouped by cause.

import { get } from "./client.js";
import { h } from "./dom.js";
import { clock, full, plural, words } from "./format.js";
import { jsonFold } from "./json_view.js";
import { chip, empty, sentence } from "./widgets.js";

export const title = "Incidents";

export async function load() {
  return { incidents: await get("api/incidents", { limit: 100 }) };
}

export function render({ incidents }) {
  return h(
    "div",
    { class: "plain-page" },
    h("h1", {}, title),
    incidents.length
      ? h("ul", { class: "cards" }, incidents.map(incident))
      : empty("incidents", "Nothing needs a look", "An image without a known patient, or an event that nothing could take, appears here with its cause."),
  );
}

function incident(one) {
  return h(
    "li",
    { class: "card", key: one.id },
    h("p", { class: "told-head" }, chip(one.status), h("strong", {}, words(one.kind)), h("span", { class: "soft" }, plural(one.count, "time"))),
    h("p", {}, sentence(one.cause)),
    h("p", { class: "soft" }, "Last ", h("time", { title: full(one.lastAt) }, clock(one.lastAt)), one.count > 1 ? [", first ", h("time", { title: full(one.firstAt) }, clock(one.firstAt))] : null),
    Object.keys(one.ref ?? {}).length ? jsonFold(`${one.id}:ref`, "Where", one.ref) : null,
  );
}
