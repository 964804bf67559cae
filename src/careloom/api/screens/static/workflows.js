// Workflows: the list, the definition as it was handed in, and a form that starts a run.

import { ApiError, get, getIfThere, post } from "./client.js";
import { note, source as sourceWords } from "./codes.js";
import { h } from "./dom.js";
import { ago, full, plural } from "./format.js";
import { icon } from "./icons.js";
import { go, here, href } from "./router.js";
import { backLink, empty, facts, fold, heading, problem, row, sentence, split } from "./widgets.js";

export const title = "Workflows";
const FRESH_MS = 5000;
const inputs = new Map();
let known = { at: 0, list: [] };
let refusal = null;
let busy = false;

/** Every workflow; asked for again after a few seconds. */
export async function allWorkflows() {
  if (Date.now() - known.at > FRESH_MS) known = { at: Date.now(), list: await get("api/workflows") };
  return known.list;
}

const definitions = new Map();

/** The steps of a definition by id; null when the run used an older version than the newest. */
export async function definitionOf(id, hash) {
  if (!definitions.has(hash)) {
    const workflow = await get(`api/workflows/${encodeURIComponent(id)}`);
    definitions.set(workflow.hash, stepsIn(workflow.definition.steps));
  }
  return definitions.get(hash) ?? null;
}

function stepsIn(value, found = new Map()) {
  if (Array.isArray(value)) value.forEach((one) => stepsIn(one, found));
  else if (value && typeof value === "object") {
    if (typeof value.id === "string" && typeof value.type === "string") found.set(value.id, value);
    for (const name of ["then", "else", "default", "steps", "fallback", "compensate"]) stepsIn(value[name], found);
    for (const name of ["cases", "branches"]) Object.values(value[name] ?? {}).forEach((one) => stepsIn(one, found));
  }
  return found;
}

export async function load({ parts: [id] }) {
  const [rows, open] = await Promise.all([get("api/workflows"), id ? getIfThere("api/workflows", id) : null]);
  return { rows, open };
}

export function render({ rows, open }, route, context) {
  return split({
    title,
    open: Boolean(open),
    filters: search(route),
    list: list(matching(rows, route.query.find), route),
    detail: open ? detail(open, context) : rows.length ? empty("workflows", "Open a workflow", "Choose one to see its definition and to start a run.") : null,
  });
}

function search({ parts, query }) {
  const change = (event) => history.replaceState(null, "", href("workflows", parts, { find: event.target.value }));
  const input = (event) => {
    change(event);
    dispatchEvent(new HashChangeEvent("hashchange"));
  };
  return h("div", { class: "filters" }, h("label", {}, h("span", {}, "Find"), h("input", { type: "search", "data-filter": true, value: query.find ?? "", oninput: input })));
}

const matching = (rows, find) =>
  find ? rows.filter((one) => `${one.name} ${one.id}`.toLowerCase().includes(find.toLowerCase())) : rows;

function list(rows, { parts, query }) {
  if (!rows.length) return h("div", { class: "list-empty" }, empty("workflows", query.find ? "No workflow fits" : "No workflows yet", query.find ? "No name or id contains this." : "Deploy one: POST its YAML to api/workflows. It appears here with its definition.", query.find ? { href: href("workflows"), text: "Show all workflows" } : { href: "docs", text: "Open the API documentation" }));
  return h("div", { class: "list-body" }, h("ul", { class: "rows" }, rows.map((one) =>
    row(
      one.id,
      href("workflows", [one.id], query),
      one.id === parts[0],
      h("span", { class: "row-top" }, h("strong", {}, one.name), h("time", { title: full(one.updatedAt) }, ago(one.updatedAt))),
      h("span", { class: "row-low" }, h("span", { class: "soft clip" }, `${plural(one.steps.length, "step")} · starts by ${starts(one)}`), h("span", { class: "number" }, `v${one.version}`)),
    ))));
}

const starts = ({ triggers }) => [...new Set(triggers.map((one) => sourceWords(one.type)))].join(" or ") || "a request";

function detail(workflow, context) {
  const back = backLink(href("workflows"), "All workflows");
  if (workflow.missing) return [back, empty("workflows", "There is no such workflow", "It belongs to another store, or was named otherwise.", { href: href("workflows"), text: "Show all workflows" })];
  return h(
    "article",
    { class: "workflow", key: workflow.id },
    back,
    h("header", { class: "run-head" }, h("div", { class: "run-title" }, heading(workflow.id, workflow.name), h("a", { class: "button quiet", href: href("runs", [], { workflow: workflow.id }) }, icon("runs", 16), "Its runs")), h("p", { class: "soft" }, `Version ${workflow.version} · starts by ${starts(workflow)}`)),
    runForm(workflow, context),
    receipts(workflow),
    fold(`${workflow.id}:source`, "Definition", () => h("pre", { class: "json", tabindex: "0" }, typeof workflow.source === "string" ? workflow.source : JSON.stringify(workflow.source ?? workflow.definition, null, 2)), { open: true }),
    fold(`${workflow.id}:identity`, "Identity", () => facts([["Id", h("span", { class: "mono" }, workflow.id)], ["Hash", h("span", { class: "mono" }, workflow.hash)], ["Updated", full(workflow.updatedAt)]])),
  );
}

function receipts(workflow) {
  if (!workflow.receipts?.length) return null;
  return fold(`${workflow.id}:receipts`, "Repairs when it was read", () => h("ul", { class: "notes" }, workflow.receipts.map((one, index) =>
    h("li", { key: index }, icon("incidents", 14), h("span", {}, sentence(note(one)), " ", h("span", { class: "mono soft" }, [one.code, one.path].filter(Boolean).join(" · ")))))), { count: workflow.receipts.length });
}

/** What the definition reads of `trigger`, as an object to fill in. */
function blank(workflow) {
  const text = JSON.stringify(workflow.definition);
  const names = new Set([...text.matchAll(/\btrigger\.([A-Za-z_][A-Za-z0-9_]*)/g)].map((found) => found[1]));
  return JSON.stringify(Object.fromEntries([...names].map((name) => [name, ""])), null, 2);
}

function runForm(workflow, context) {
  const value = inputs.get(workflow.id) ?? blank(workflow);
  return h(
    "form",
    { class: "decision", onsubmit: (event) => { event.preventDefault(); start(workflow, event.target.elements.input.value, context); } },
    h("label", { for: "run-input" }, "Input of a run (JSON)"),
    h("textarea", { id: "run-input", name: "input", class: "mono", rows: "5", spellcheck: "false", value, oninput: (event) => inputs.set(workflow.id, event.target.value) }),
    refusal?.workflow === workflow.id ? problem(refusal.error, "No run was started.") : null,
    h("div", { class: "buttons" }, h("button", { class: "button main", disabled: busy }, icon("play", 16), "Run")),
  );
}

async function start(workflow, text, context) {
  refusal = null;
  busy = true;
  context.redraw();
  try {
    const started = await post(`api/workflows/${encodeURIComponent(workflow.id)}/execute`, parsed(text));
    inputs.delete(workflow.id);
    context.say("The run has started");
    if (here().parts[0] === workflow.id) go("runs", [started.runId]);
  } catch (error) {
    refusal = { workflow: workflow.id, error };
  } finally {
    busy = false;
    context.redraw();
  }
}

function parsed(text) {
  try {
    return text.trim() ? JSON.parse(text) : {};
  } catch (error) {
    throw new ApiError(400, { message: `The input is not JSON (${error.message})`, fix: "Correct it and run again" });
  }
}
