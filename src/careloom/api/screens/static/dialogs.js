// The two dialogs: a question before something that cannot be taken back, and the keys.

import { h, patch } from "./dom.js";

/** Ask; resolves to true when confirmed. Escape and the first button keep everything as it is. */
export function ask({ title, text, confirm, keep }) {
  return new Promise((resolve) => {
    const dialog = show(
      title,
      h("p", {}, text),
      h(
        "div",
        { class: "buttons" },
        h("button", { class: "button quiet", onclick: () => dialog.close("keep") }, keep),
        h("button", { class: "button danger", onclick: () => dialog.close("confirm") }, confirm),
      ),
    );
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm"));
  });
}

const KEYS = [
  ["j  k", "next and previous in the list"],
  ["Enter", "open what is focused"],
  ["/", "go to the first filter"],
  ["Esc", "back to the list"],
  ["1 – 5", "Runs, Inbox, Workflows, Incidents, Messages"],
  ["?", "this help"],
];

export function showKeys() {
  const rows = KEYS.map(([keys, what]) =>
    h("div", { key: keys }, h("dt", {}, keys.split("  ").map((one) => h("kbd", { key: one }, one))), h("dd", {}, what)),
  );
  const dialog = show(
    "Keys",
    h("dl", { class: "keys" }, rows),
    h("div", { class: "buttons" }, h("button", { class: "button", onclick: () => dialog.close() }, "Close")),
  );
}

function show(title, ...content) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", title);
  patch(dialog, h("h2", {}, title), ...content);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
