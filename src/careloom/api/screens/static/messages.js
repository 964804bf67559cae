// Messages: who was told what, and whether it left the house.

import { get } from "./client.js";
import { h } from "./dom.js";
import { clock, full, plural, words } from "./format.js";
import { jsonFold, linked } from "./json_view.js";
import { href } from "./router.js";
import { chip, empty, facts } from "./widgets.js";

export const title = "Messages";

export async function load() {
  return { messages: await get("api/messages", { limit: 100 }) };
}

export function render({ messages }) {
  return h(
    "div",
    { class: "plain-page" },
    h("h1", {}, title),
    messages.length
      ? h("ul", { class: "cards" }, messages.map(messageCard))
      : empty("messages", "No messages yet", "Who a workflow tells, and what it says, appears here. Without a connection it is captured instead of sent.", { href: href("workflows"), text: "Start a workflow" }),
  );
}

function messageCard(message) {
  const target = message.runId ? h("a", { class: "row-link", href: href("runs", [message.runId]) }, "Open the run") : null;
  return h("li", { class: "card", key: message.id }, messageBody(message), target);
}

/** One message: to whom, what, and what became of it. */
export function messageBody(message) {
  return [
    h(
      "p",
      { class: "told-head" },
      chip(message.status),
      h("strong", {}, `${words(message.channel)} to ${message.to?.join(", ") || "the connection's receiver"}`),
      h("time", { class: "soft", title: full(message.createdAt) }, clock(message.createdAt)),
    ),
    message.subject ? h("p", {}, h("strong", {}, message.subject)) : null,
    message.text ? h("blockquote", {}, linked(message.text)) : null,
    message.payload ? jsonFold(`${message.id}:payload`, "Content", message.payload) : null,
    message.status === "captured" ? h("p", { class: "soft" }, "Kept here, not sent: there is no connection for it yet.") : receipt(message),
    message.warnings?.length ? h("p", { class: "soft" }, message.warnings.map((one) => one.message).join(" ")) : null,
  ];
}

function receipt({ connection, receipt: proof }) {
  const attempts = proof?.attempt > 1 ? plural(proof.attempt, "attempt") : null;
  return facts([
    ["Through", connection],
    ["Attempts", attempts],
    ["Promise", proof?.promise],
  ]);
}
