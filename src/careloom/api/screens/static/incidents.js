// Incidents: what needs a look, grouped by cause, and what to do about it.

import { get, post } from "./client.js";
import { h } from "./dom.js";
import { clock, full, plural, words } from "./format.js";
import { icon } from "./icons.js";
import { jsonFold } from "./json_view.js";
import { href } from "./router.js";
import { chip, empty, problem, sentence } from "./widgets.js";

export const title = "Incidents";

let refusal = null;

const WHAT_TO_DO = {
  "dicom.patient_unmatched": "Create the Patient with that identifier, or name the issuer of its numbers in CARELOOM_DICOM_ISSUERS; the image itself is stored.",
  "run.failed": "Open the run to see the cause; correct it, then press “Try again” there.",
  "run.dead_letter": "Open the run: it could not go on after several tries. What earlier steps wrote is safe; press “Try again” there when the cause is gone.",
  "rollback.failed": "A step could not be undone. Open the run to see which one, undo it by hand, then close this.",
  "trigger.filter_failed": "The trigger's condition could not be worked out for this event. Correct it in the workflow and deploy it again.",
  "trigger.depth_limit": "Workflows start each other in a circle. Give one of them a condition that ends it, and deploy it again.",
};

export async function load() {
  return { incidents: await get("api/incidents", { limit: 100 }) };
}

export function render({ incidents }, route, context) {
  return h(
    "div",
    { class: "plain-page" },
    h("h1", {}, title),
    incidents.length
      ? h("ul", { class: "cards" }, incidents.map((one) => incident(one, context)))
      : empty("incidents", "Nothing needs a look", "A failed run, an image without a known patient, or an event that nothing could take, appears here with its cause."),
  );
}

function incident(one, context) {
  const next = one.status === "open" ? WHAT_TO_DO[one.kind] : null;
  const run = one.ref?.run;
  return h(
    "li",
    { class: "card", key: one.id },
    h("p", { class: "told-head" }, chip(one.status), h("strong", {}, words(one.kind)), h("span", { class: "soft" }, plural(one.count, "time"))),
    h("p", {}, causeOf(one)),
    next ? h("p", {}, next) : null,
    h("p", { class: "soft" }, "Last ", h("time", { title: full(one.lastAt) }, clock(one.lastAt)), one.count > 1 ? [", first ", h("time", { title: full(one.firstAt) }, clock(one.firstAt))] : null),
    refusal?.incident === one.id ? problem(refusal.error, "The incident is as it was.") : null,
    run || one.status === "open"
      ? h(
          "div",
          { class: "buttons" },
          run ? h("a", { class: "button", href: href("runs", [run]) }, "Open the run") : null,
          one.status === "open" ? h("button", { class: "button quiet", onclick: () => close(one, context) }, icon("done", 16), "Close") : null,
        )
      : null,
    Object.keys(one.ref ?? {}).length ? jsonFold(`${one.id}:ref`, "Where", one.ref) : null,
  );
}

/** A run's cause begins with the id of its workflow, which is no word and keeps its small letter. */
function causeOf({ kind, cause }) {
  if (!kind.startsWith("run.") && !kind.startsWith("rollback.")) return sentence(cause);
  return String(cause).replace(/\bsteps\/(\S+?):/, "step $1:");
}

/** Somebody has looked; the same cause opens a new incident when it comes again. */
async function close(one, context) {
  try {
    await post(`api/incidents/${encodeURIComponent(one.id)}/close`);
    refusal = null;
    context.say("The incident is closed");
  } catch (error) {
    refusal = { incident: one.id, error };
  }
  await context.refresh();
}
