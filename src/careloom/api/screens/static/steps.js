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
/** Before the path of a step that undoes another; alone, it says that the rollback began. */
const UNDO = "~comp/";
const ROLLBACK = "~comp";
/** A loop may have thousands of items; the first ones are shown, and each that is not simply done. */
const ITEMS_SHOWN = 20;

const place = (step) => (step.iteration ? `${step.path}[${step.iteration}]` : step.path);

/** Steps, open waits and steps that will be tried again, in the order in which they began. */
export function stepRows(run, definition) {
  const attempts = grouped(run.attempts);
  const steps = run.steps.filter((step) => step.path !== ROLLBACK);
  const known = new Set(steps.map(place));
  const rows = steps.map((step) => stepRow(step, attempts.get(place(step)) ?? [], definition));
  for (const [key, tried] of attempts) {
    if (!known.has(key) && !run.finishedAt) rows.push(retryRow(tried, definition));
  }
  rows.sort((a, b) => Date.parse(a.start) - Date.parse(b.start) || a.depth - b.depth);
  for (const row of rows) {
    if (run.finishedAt && UNENDED.has(row.status)) Object.assign(row, { status: "cancelled", end: run.finishedAt });
  }
  return rows;
}

function grouped(attempts) {
  const groups = new Map();
  for (const one of attempts) groups.set(place(one), [...(groups.get(place(one)) ?? []), one]);
  return groups;
}

function stepRow(step, attempts, definition) {
  const known = definition?.get(step.id);
  return {
    key: place(step),
    path: step.path,
    id: step.id,
    title: titleOf(step, known?.name ?? words(step.id)),
    type: known?.type,
    depth: Math.max(0, Math.floor(step.path.replace(UNDO, "").split("/").length / 2) - 1),
    status: step.status,
    start: step.startedAt,
    end: step.finishedAt,
    task: step.event?.startsWith("task:") ? step.event.slice(5) : null,
    attempts,
    step,
  };
}

/** "Undo: Store report", "Weigh, item 3"; items are counted from 1 for people. */
function titleOf({ path, iteration }, name) {
  const item = iteration ? `, item ${iteration.match(/\d+/g).map((index) => Number(index) + 1).join(".")}` : "";
  return `${path.startsWith(UNDO) ? "Undo: " : ""}${name}${item}`;
}

function retryRow(attempts, definition) {
  const last = attempts.at(-1);
  const { path, iteration, startedAt } = attempts[0];
  const row = stepRow({ id: path.split("/").at(-1), path, iteration, status: "retrying", startedAt }, attempts, definition);
  return { ...row, retryAt: last.retryAt };
}

export function timeline(run, rows) {
  const start = Date.parse(run.createdAt);
  const end = run.finishedAt ? Date.parse(run.finishedAt) : Date.now();
  const scale = { start, span: Math.max(end - start, 1) };
  const working = run.status === "running" && !run.held && !rows.some((row) => row.retryAt);
  const shown = withoutManyItems(rows);
  if (!rows.length && !working) return null;
  return h(
    "section",
    { class: "timeline", "aria-label": "Steps" },
    h("h3", {}, "Steps"),
    h(
      "ol",
      { class: "steps" },
      shown.map((row) => stepItem(run, row, scale)),
      rows.length > shown.length ? h("li", { class: "step-next soft", key: "more" }, `${plural(rows.length - shown.length, "further step")} of loops, all done`) : null,
      working ? h("li", { class: "step-next", key: "next" }, chip("running", rows.length ? "Working on the next step" : "Working on the first step")) : null,
    ),
  );
}

function withoutManyItems(rows) {
  const counts = new Map();
  return rows.filter((row) => {
    if (!row.step.iteration) return true;
    counts.set(row.path, (counts.get(row.path) ?? 0) + 1);
    return counts.get(row.path) <= ITEMS_SHOWN || !["succeeded", "skipped"].includes(row.status);
  });
}

function stepItem(run, row, scale) {
  const key = `${run.runId}:${row.key}`;
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
  if (row.end && row.step.durationMs == null) return duration(Date.parse(row.end) - Date.parse(row.start));
  if (row.end) return duration(row.step.durationMs);
  return row.start ? duration(Date.now() - Date.parse(row.start)) : "";
}

/** Where in the run's time the step stands. */
function bar(row, { start, span }) {
  const drawn = (from, to) => {
    const left = Math.min(99.4, Math.max(0, ((from - start) / span) * 100));
    return { left: `${left}%`, width: `${Math.max(0.6, Math.min(100 - left, ((to - from) / span) * 100))}%` };
  };
  const from = Date.parse(row.start);
  const to = row.end ? Date.parse(row.end) : start + span;
  return h(
    "span",
    { class: "gantt", "aria-hidden": "true" },
    row.start ? h("span", { class: `gantt-bar ${row.status}`, style: drawn(from, to) }) : null,
  );
}

function body(key, row) {
  const { step } = row;
  const images = instancesIn(step.input);
  return [
    row.status === "degraded" ? h("p", {}, "It failed for good, and its fallback ran instead.") : null,
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
