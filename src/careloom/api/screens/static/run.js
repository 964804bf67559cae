// One run: what it did, step by step, and what came of it.

import { ApiError, get, post } from "./client.js";
import { source, standing } from "./codes.js";
import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { clock, duration, full, until } from "./format.js";
import { icon } from "./icons.js";
import { jsonFold } from "./json_view.js";
import { go, href } from "./router.js";
import { auditFold, outcome, sessionFold } from "./run_facts.js";
import { stepRows, timeline } from "./steps.js";
import { backLink, chip, empty, facts, fold, heading, problem, sentence } from "./widgets.js";
import { definitionOf } from "./workflows.js";

const FINISHED = new Set(["succeeded", "failed", "cancelled", "rolled_back"]);
let refusal = null;

/** The run and what belongs to it; the rest is asked for again only when the run has changed. */
export async function loadRun(id, before) {
  if (before?.run?.runId === id && before.settled && FINISHED.has(before.run.status)) return before;
  try {
    const run = await get(`api/workflows/runs/${encodeURIComponent(id)}`);
    const stamp = JSON.stringify(run);
    if (before?.stamp === stamp && before.settled) return before;
    const settled = before?.stamp === stamp || !FINISHED.has(run.status);
    return { run, stamp, settled, ...(await around(run)) };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { missing: id };
    throw error;
  }
}

async function around(run) {
  const [audit, messages, session, definition] = await Promise.all([
    optional(get(`api/workflows/runs/${run.runId}/audit`)),
    optional(get("api/messages", { run: run.runId })),
    optional(get(`api/sessions/${run.sessionId}`)),
    optional(definitionOf(run.workflowId, run.definitionHash)),
  ]);
  return { audit: audit?.lines.filter((line) => line.type === "row").map((line) => JSON.parse(line.content)), messages, session, definition };
}

/** A part that this key may not see, or that is not there, is left out. */
async function optional(asked) {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return null;
    throw error;
  }
}

export function renderRun(open, data, route, context) {
  const back = backLink(href("runs", [], route.query), "All runs");
  if (!open || (open.run && open.run.runId !== route.parts[0])) return h("div", { class: "loading" }, "Loading …");
  if (open.missing) {
    return [back, empty("runs", "There is no such run", "It belongs to another store, or the address is not whole.", { href: href("runs"), text: "Show all runs" })];
  }
  const { run } = open;
  const rows = stepRows(run, open.definition);
  return h(
    "article",
    { class: "run", key: run.runId },
    back,
    head(run, open, context),
    refusal?.run === run.runId ? problem(refusal.error, "The run is as it was.") : null,
    notice(run, rows),
    timeline(run, rows),
    outcome(run, rows, open.messages),
    run.output ? jsonFold(`${run.runId}:output`, "Output of the run", run.output) : null,
    open.session ? sessionFold(run, open.session) : null,
    open.audit ? auditFold(run, open.audit) : fold(`${run.runId}:audit`, "Audit", () => h("p", { class: "soft" }, "This key may not read the audit trail.")),
    identity(run),
  );
}

function head(run, open, context) {
  const finished = FINISHED.has(run.status);
  const took = run.durationMs ?? Date.now() - Date.parse(run.createdAt);
  const who = open.audit?.find((row) => row.action === "run.start")?.actor.principal;
  const stopping = run.status !== "cancelled" && open.audit?.some((row) => row.action === "run.cancel");
  return h(
    "header",
    { class: "run-head" },
    h(
      "div",
      { class: "run-title" },
      heading(run.runId, run.workflowName),
      chip(!finished && stopping ? "cancelling" : standing(run)),
      orders(run, finished || stopping, context),
    ),
    h(
      "p",
      { class: "soft" },
      finished ? `Took ${duration(took)}` : `For ${duration(took)}`,
      " · started ",
      h("time", { title: full(run.createdAt) }, clock(run.createdAt)),
      ` by ${source(run.source)}${who ? ` (${who})` : ""} · version ${run.version}`,
    ),
  );
}

/** What can be told to the run now. */
function orders(run, ending, context) {
  if (run.status === "failed" && !run.retriedAs) {
    return h("span", { class: "orders" }, h("button", { class: "button", onclick: () => again(run, context) }, icon("play", 14), "Try again"));
  }
  if (ending) return null;
  return h("span", { class: "orders" }, rest(run, context), h("button", { class: "button quiet", onclick: () => stop(run, context) }, icon("stop", 14), "Cancel the run"));
}

function rest(run, context) {
  const paused = run.held === "paused";
  const [order, word, said] = paused ? ["resume", "Go on", "The run goes on"] : ["pause", "Pause", "The run rests after the step it is at"];
  return h("button", { class: "button quiet", onclick: () => tell(run, order, said, context) }, icon(paused ? "play" : "paused", 14), word);
}

/** From the step that failed, as a new run, which is then opened. */
async function again(run, context) {
  const started = await tell(run, "retry", "The run is tried again", context);
  if (started) go("runs", [started.runId]);
}

/** Give an order to a run; what the server refuses stands on the run's page. */
async function tell(run, order, said, context) {
  let answer = null;
  try {
    answer = await post(`api/workflows/runs/${run.runId}/${order}`);
    refusal = null;
    context.say(said);
  } catch (error) {
    refusal = { run: run.runId, error };
  }
  await context.refresh();
  return answer;
}

async function stop(run, context) {
  const yes = await ask({
    title: "Cancel this run?",
    text: "No further step is started. What was already written and sent stays, and the audit trail keeps it.",
    confirm: "Cancel the run",
    keep: "Let it go on",
  });
  if (yes) await tell(run, "cancel", "The run was asked to stop", context);
}

/** The one sentence that matters most now. */
function notice(run, rows) {
  if (run.status === "failed") return failure(run, rows);
  if (run.held === "paused") return waits("paused", "Paused. ", "No further step begins before somebody lets it go on.");
  if (run.held === "queued") return waits("waiting", "Waits its turn ", behind(run));
  const waiting = rows.find((row) => row.status === "waiting");
  if (run.status !== "waiting" || !waiting) return null;
  if (waiting.task) {
    return h(
      "div",
      { class: "notice waiting" },
      icon("person", 18),
      h("p", {}, h("strong", {}, "Waiting for a person: "), waiting.step.input?.title ?? waiting.title),
      h("a", { class: "button", href: href("inbox", [waiting.task]) }, "Open the task"),
    );
  }
  const time = waiting.step.until;
  const what = WAITS_FOR[waiting.type]?.(waiting.step.input ?? {});
  if (what) return waits("waiting", `Waiting for ${what}`, time ? `, until ${clock(time)} at the latest` : "");
  return waits("waiting", time ? `Waiting until ${clock(time)}` : "Waiting", time ? ` (${until(time)})` : "");
}

/** What a step waits for that is neither a person nor a time. */
const WAITS_FOR = {
  external: ({ queue }) => `a program that works on the queue “${queue}”`,
  wait: ({ event }) => event && `the event “${event}”`,
  workflow: ({ workflow }) => `a run of “${workflow}”`,
};

const waits = (sign, first, more) => h("div", { class: "notice waiting" }, icon(sign, 18), h("p", {}, h("strong", {}, first), more));

function behind({ queuedBehind }) {
  if (queuedBehind?.order) return ["behind ", h("a", { href: href("runs", [queuedBehind.order]) }, "the run before it"), " in the workflow's order."];
  return "behind others: the workflow limits how many runs go on at a time.";
}

function failure(run, rows) {
  const failed = rows.find((row) => row.status === "failed");
  const cause = failed?.step?.error ?? run.error ?? {};
  return h(
    "div",
    { class: "notice failed", role: "alert" },
    icon("failed", 18),
    h(
      "div",
      {},
      h("p", {}, h("strong", {}, failed ? `Failed at “${failed.title}”. ` : "Failed. "), sentence(cause.message ?? cause.code)),
      h("p", {}, run.retriedAs ? ["It was tried again: ", h("a", { href: href("runs", [run.retriedAs]) }, "open the run that took its place"), "."] : "What earlier steps wrote is safe; this step stored nothing here. Correct the cause, then try again: it goes on from this step."),
    ),
  );
}

const runLink = (id) => h("a", { class: "mono", href: href("runs", [id]) }, id);

function identity(run) {
  return fold(`${run.runId}:identity`, "Identity", () =>
    facts([
      ["Run", h("span", { class: "mono" }, run.runId)],
      ["Workflow", h("a", { href: href("workflows", [run.workflowId]) }, run.workflowId)],
      ["Part of", run.parent ? runLink(run.parent) : null],
      ["Started", run.children?.length ? run.children.map((one) => h("div", { key: one.runId }, runLink(one.runId), ` (${one.workflowId})`)) : null],
      ["Takes the place of", run.retryOf ? runLink(run.retryOf) : null],
      ["Its place was taken by", run.retriedAs ? runLink(run.retriedAs) : null],
      ["Definition", h("span", { class: "mono" }, run.definitionHash)],
      ["Session", h("span", { class: "mono" }, run.sessionId)],
      ["Created", full(run.createdAt)],
      ["Finished", full(run.finishedAt)],
    ]),
  );
}
