// One run: what it did, step by step, and what came of it.

import { ApiError, get, post } from "./client.js";
import { source } from "./codes.js";
import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { clock, duration, full, until } from "./format.js";
import { icon } from "./icons.js";
import { jsonFold } from "./json_view.js";
import { href } from "./router.js";
import { auditFold, outcome, sessionFold } from "./run_facts.js";
import { stepRows, timeline } from "./steps.js";
import { backLink, chip, empty, facts, fold, heading, problem, sentence } from "./widgets.js";
import { definitionOf } from "./workflows.js";

const FINISHED = new Set(["succeeded", "failed", "cancelled"]);
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
    refusal?.run === run.runId ? problem(refusal.error, "The run goes on as before.") : null,
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
      chip(!finished && stopping ? "cancelling" : run.status),
      finished || stopping ? null : h("button", { class: "button quiet", onclick: () => stop(run, context) }, icon("stop", 14), "Cancel the run"),
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

async function stop(run, context) {
  const yes = await ask({
    title: "Cancel this run?",
    text: "No further step is started. What was already written and sent stays, and the audit trail keeps it.",
    confirm: "Cancel the run",
    keep: "Let it go on",
  });
  if (!yes) return;
  try {
    await post(`api/workflows/runs/${run.runId}/cancel`);
    refusal = null;
    context.say("The run was asked to stop");
  } catch (error) {
    refusal = { run: run.runId, error };
  }
  await context.refresh();
}

/** The one sentence that matters most now. */
function notice(run, rows) {
  if (run.status === "failed") return failure(run, rows);
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
  return h(
    "div",
    { class: "notice waiting" },
    icon("waiting", 18),
    h("p", {}, h("strong", {}, time ? `Waiting until ${clock(time)}` : "Waiting"), time ? ` (${until(time)})` : ""),
  );
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
      h("p", {}, "What earlier steps wrote is safe; this step stored nothing. Correct the cause, then start the workflow again."),
    ),
  );
}

function identity(run) {
  return fold(`${run.runId}:identity`, "Identity", () =>
    facts([
      ["Run", h("span", { class: "mono" }, run.runId)],
      ["Workflow", h("a", { href: href("workflows", [run.workflowId]) }, run.workflowId)],
      ["Definition", h("span", { class: "mono" }, run.definitionHash)],
      ["Session", h("span", { class: "mono" }, run.sessionId)],
      ["Created", full(run.createdAt)],
      ["Finished", full(run.finishedAt)],
    ]),
  );
}
