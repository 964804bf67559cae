// Runs: the list, its filters and its pages; beside it the run that is open.

import { get } from "./client.js";
import { standing, state } from "./codes.js";
import { h } from "./dom.js";
import { ago, duration, full } from "./format.js";
import { go, href } from "./router.js";
import { loadRun, renderRun } from "./run.js";
import { chip, empty, row, split } from "./widgets.js";
import { allWorkflows } from "./workflows.js";

export const title = "Runs";
const PAGE = 50;
const MOST = 500;
const FILTERS = ["running", "waiting", "queued", "paused", "failed", "succeeded", "rolled_back", "cancelled"];
/** What the server calls a state that the page tells apart by itself. */
const ASKED = { queued: "held" };

export async function load(route, before) {
  const [id] = route.parts;
  const [rows, workflows, open] = await Promise.all([
    listed(route.query),
    allWorkflows(),
    id ? loadRun(id, before?.open) : null,
  ]);
  return { ...rows, workflows, open };
}

/** A run that waits or is held is a running one for the server, too: told apart here. */
async function listed({ status, workflow, before }) {
  const split = ["waiting", "running", "queued", "paused"].includes(status);
  const limit = split ? MOST : PAGE;
  const rows = await get("api/workflows/runs", { status: ASKED[status] ?? status, workflow, before, limit });
  const shown = split ? rows.filter((run) => standing(run) === status) : rows;
  return { rows: shown, more: rows.length === limit, last: rows.at(-1)?.runId };
}

export function render(data, route, context) {
  const [id] = route.parts;
  return split({
    title,
    open: Boolean(id),
    filters: filters(data, route),
    list: list(data, route),
    detail: id ? renderRun(data.open, data, route, context) : nothingOpen(data),
  });
}

function filters({ workflows }, { query, parts }) {
  const change = (name) => (event) => {
    go("runs", parts, { ...query, before: null, [name]: event.target.value });
  };
  return h(
    "div",
    { class: "filters" },
    h("label", {}, h("span", {}, "Status"), h(
      "select",
      { "data-filter": true, value: query.status ?? "", onchange: change("status") },
      h("option", { value: "" }, "All"),
      FILTERS.map((name) => h("option", { value: name, key: name }, state(name).word)),
    )),
    h("label", {}, h("span", {}, "Workflow"), h(
      "select",
      { value: query.workflow ?? "", onchange: change("workflow") },
      h("option", { value: "" }, "All"),
      workflows.map((one) => h("option", { value: one.id, key: one.id }, one.name)),
    )),
  );
}

function list({ rows, more, last, workflows }, { query, parts }) {
  if (rows.length === 0) return h("div", { class: "list-empty" }, noRows(query));
  const names = new Map(workflows.map((one) => [one.id, one.name]));
  return h(
    "div",
    { class: "list-body" },
    h("ul", { class: "rows" }, rows.map((run) => runRow(run, names, query, parts[0]))),
    h(
      "nav",
      { class: "pages", "aria-label": "Pages of the list" },
      query.before ? h("a", { class: "button quiet", href: href("runs", parts, { ...query, before: null }) }, "Newest") : null,
      more ? h("a", { class: "button quiet", href: href("runs", parts, { ...query, before: last }) }, "Older") : null,
    ),
  );
}

function runRow(run, names, query, openId) {
  const took = run.durationMs ?? Date.now() - Date.parse(run.createdAt);
  const failed = run.failedStep ? `at ${run.failedStep.split("/").at(-1)}` : null;
  return row(
    run.runId,
    href("runs", [run.runId], query),
    run.runId === openId,
    h("span", { class: "row-top" }, h("strong", {}, names.get(run.workflowId) ?? run.workflowId), h("time", { title: full(run.createdAt) }, ago(run.createdAt))),
    h("span", { class: "row-low" }, chip(standing(run)), failed ? h("span", { class: "soft clip" }, failed) : null, h("span", { class: "number" }, duration(took))),
  );
}

function noRows(query) {
  if (query.status || query.workflow || query.before) {
    return empty("runs", "No run fits", "No run has this status and workflow here.", { href: href("runs"), text: "Show all runs" });
  }
  return empty("runs", "No runs yet", "A run appears here when an image or a letter arrives, or when you start one.", { href: href("workflows"), text: "Start a workflow" });
}

function nothingOpen({ rows }) {
  if (rows.length === 0) return null;
  return empty("runs", "Open a run", "Choose a run to see its steps, what it wrote and who was told. With the keyboard: j, k and Enter.");
}
