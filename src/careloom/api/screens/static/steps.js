// The steps of a run as a timeline: each with its bar to scale, and what went in and came out.

import { note } from "./codes.js";
import { h } from "./dom.js";
import { clock, duration, plural, until, words } from "./format.js";
import { icon } from "./icons.js";
import { jsonFold } from "./json_view.js";
import { instancesIn, picture } from "./picture.js";
import { href } from "./router.js";
import { fileLink, fileViewer, filesIn } from "./stored_file.js";
import { chip, isOpen, sentence, setOpen } from "./widgets.js";

/** What a step cannot be any more once its run has ended. */
const UNENDED = new Set(["waiting", "running"]);
const WAITING_TYPES = new Set(["task", "wait"]);

/** Steps, open waits and steps that will be tried again, in the order in which they began. */
export function stepRows(run, definition) {
  const attempts = Map.groupBy?.(run.attempts, (one) => one.path) ?? grouped(run.attempts);
  const known = new Set(run.steps.map((step) => step.path));
  const rows = run.steps.map((step) => stepRow(step, attempts.get(step.path) ?? [], definition));
  for (const [path, tried] of attempts) {
    if (!known.has(path) && !run.finishedAt) rows.push(retryRow(path, tried, definition));
  }
  let previous = run.createdAt;
  for (const row of rows) {
    if (run.finishedAt && UNENDED.has(row.status)) Object.assign(row, { status: "cancelled", end: run.finishedAt });
    if (WAITING_TYPES.has(row.type)) row.waitedFrom = previous;
    previous = row.end ?? previous;
  }
  return rows;
}

function grouped(attempts) {
  const groups = new Map();
  for (const one of attempts) groups.set(one.path, [...(groups.get(one.path) ?? []), one]);
  return groups;
}

function stepRow(step, attempts, definition) {
  const known = definition?.get(step.id);
  return {
    path: step.path,
    id: step.id,
    title: known?.name ?? words(step.id),
    type: known?.type,
    depth: Math.max(0, Math.floor(step.path.split("/").length / 2) - 1),
    status: step.status,
    start: step.startedAt,
    end: step.finishedAt,
    task: step.event?.startsWith("task:") ? step.event.slice(5) : null,
    attempts,
    step,
  };
}

function retryRow(path, attempts, definition) {
  const last = attempts.at(-1);
  const row = stepRow({ id: path.split("/").at(-1), path, status: "retrying", startedAt: attempts[0].startedAt }, attempts, definition);
  return { ...row, retryAt: last.retryAt };
}

export function timeline(run, rows) {
  const start = Date.parse(run.createdAt);
  const end = run.finishedAt ? Date.parse(run.finishedAt) : Date.now();
  const scale = { start, span: Math.max(end - start, 1) };
  const working = run.status === "running" && !rows.some((row) => row.retryAt);
  return h(
    "section",
    { class: "timeline", "aria-label": "Steps" },
    h("h3", {}, "Steps"),
    h(
      "ol",
      { class: "steps" },
      rows.map((row) => stepItem(run, row, scale)),
      working ? h("li", { class: "step-next", key: "next" }, chip("running", rows.length ? "Working on the next step" : "Working on the first step")) : null,
    ),
  );
}

function stepItem(run, row, scale) {
  const key = `${run.runId}:${row.path}`;
  const shown = isOpen(key, row.status === "failed" || row.status === "retrying");
  return h(
    "li",
    { class: `step${shown ? " step-open" : ""}`, key },
    h(
      "button",
      { class: "step-head", "aria-expanded": String(shown), onclick: () => setOpen(key, !shown) },
      h("span", { class: "step-name", style: { "--depth": String(row.depth) } }, h("span", { class: shown ? "turn turned" : "turn" }, icon("open", 14)), h("span", {}, row.title), row.type ? h("span", { class: "type" }, row.type) : null),
      chip(row.status, wording(row)),
      bar(row, scale),
      h("span", { class: "number" }, timing(row)),
    ),
    shown ? h("div", { class: "step-body" }, body(key, row)) : null,
  );
}

function wording(row) {
  return row.status === "waiting" && row.task ? "Waiting for a person" : undefined;
}

function timing(row) {
  if (row.end && row.waitedFrom) return duration(Date.parse(row.end) - Date.parse(row.waitedFrom));
  if (row.end) return duration(row.step.durationMs);
  return row.start ? duration(Date.now() - Date.parse(row.start)) : "";
}

/** Where in the run's time the step stands; waiting before it is drawn lighter. */
function bar(row, { start, span }) {
  const place = (from, to) => {
    const left = Math.min(99.4, Math.max(0, ((from - start) / span) * 100));
    return { left: `${left}%`, width: `${Math.max(0.6, Math.min(100 - left, ((to - from) / span) * 100))}%` };
  };
  const from = Date.parse(row.start);
  const to = row.end ? Date.parse(row.end) : start + span;
  const waited = row.waitedFrom && row.start ? Date.parse(row.waitedFrom) : null;
  return h(
    "span",
    { class: "gantt", "aria-hidden": "true" },
    waited !== null && from - waited > 0 ? h("span", { class: "gantt-bar waited", style: place(waited, from) }) : null,
    row.start ? h("span", { class: `gantt-bar ${row.status}`, style: place(from, to) }) : null,
  );
}

function body(key, row) {
  const { step } = row;
  const images = instancesIn(step.input);
  return [
    step.error ? h("p", { class: "cause" }, icon("failed", 16), h("span", {}, sentence(step.error.message ?? step.error.code), " ", h("span", { class: "mono" }, step.error.code ?? ""))) : null,
    row.task ? h("p", {}, h("a", { class: "button", href: href("inbox", [row.task]) }, row.status === "waiting" ? "Open the task" : "Show the task")) : null,
    row.status === "waiting" && step.until ? h("p", {}, `Waiting until ${clock(step.until)} (${until(step.until)}).`) : null,
    row.retryAt ? h("p", {}, Date.parse(row.retryAt) > Date.now() ? `Trying again at ${clock(row.retryAt)} (${until(row.retryAt)}).` : "Trying again now.") : null,
    row.attempts.length ? attemptList(row) : null,
    step.branch ? h("p", {}, "Went on with ", h("span", { class: "mono" }, step.branch), ".") : null,
    notes(step.notes ?? []),
    images.length ? h("div", { class: "pictures" }, images.map((uri) => picture(uri))) : null,
    filesIn(step.input).map((uri) => h("p", { key: uri }, fileLink(key, uri))),
    fileViewer(key, step.input),
    filled(step.input) ? jsonFold(`${key}:input`, "Input", step.input) : null,
    filled(step.output) ? jsonFold(`${key}:output`, "Output", step.output) : null,
  ];
}

const filled = (value) => Boolean(value) && Object.keys(value).length > 0;

function attemptList({ attempts, step }) {
  const tried = attempts.map((one) =>
    h("li", { key: one.attempt }, `Attempt ${one.attempt}, ${clock(one.startedAt)}: ${sentence(one.error?.message ?? one.error?.code ?? "failed")}`),
  );
  const end = step.attempt > attempts.length ? h("li", { key: "last" }, `Attempt ${step.attempt}, ${clock(step.startedAt)}: ${step.status === "failed" ? "failed too." : "succeeded."}`) : null;
  return h("div", {}, h("h4", {}, plural(attempts.length + (end ? 1 : 0), "attempt")), h("ul", { class: "plain" }, tried, end));
}

function notes(list) {
  if (!list.length) return null;
  return h(
    "ul",
    { class: "notes" },
    list.map((one, index) => h("li", { key: index }, icon("incidents", 14), h("span", {}, sentence(note(one)), " ", h("span", { class: "mono soft" }, [one.code, one.path].filter(Boolean).join(" · "))))),
  );
}
