// Sign-in: a key from the address or from the field.

import { keepKey, tryKey } from "./client.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { sentence } from "./widgets.js";

const form = { cause: null, busy: false };

/** Try a key and keep it when the API takes it; true when signed in. */
export async function signIn(key, redraw) {
  form.busy = true;
  form.cause = null;
  redraw();
  try {
    if (await tryKey(key)) {
      keepKey(key);
      return true;
    }
    form.cause = "This key is not known here, or was withdrawn. Check it, or ask for another one";
  } catch (error) {
    form.cause = [error.message, error.fix].filter(Boolean).join(". ");
  } finally {
    form.busy = false;
    redraw();
  }
  return false;
}

export function refused() {
  form.cause = "The server does not take this key any more. Sign in with another one";
}

export function signInPage(onKey) {
  const submit = (event) => {
    event.preventDefault();
    const field = event.target.elements.key;
    const key = field.value.trim();
    if (key) onKey(key);
    else field.focus();
  };
  return h(
    "main",
    { class: "sign-in" },
    h(
      "form",
      { onsubmit: submit, autocomplete: "off" },
      h("h1", {}, "Careloom"),
      h("p", { class: "soft" }, "Runs, what they did, and what waits for a person."),
      h("label", { for: "key" }, "API key"),
      h("input", {
        id: "key", name: "key", type: "password", autocomplete: "off", spellcheck: "false",
        "aria-describedby": "key-hint", "aria-invalid": form.cause ? "true" : null,
        created: (node) => node.focus(),
      }),
      h("p", { id: "key-hint", class: "hint" }, "The server prints the first key once, when it starts for the first time. It is kept in this tab only."),
      form.cause ? h("p", { class: "cause", role: "alert" }, icon("failed", 16), sentence(form.cause)) : null,
      h("button", { class: "button main", disabled: form.busy }, icon("key", 16), form.busy ? "Checking …" : "Sign in"),
    ),
  );
}
