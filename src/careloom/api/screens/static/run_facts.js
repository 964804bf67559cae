// What came of a run: what models said, what was written, who was told; its session and audit.

import { action, inWords } from "./codes.js";
import { h } from "./dom.js";
import { clock, full, percent, words } from "./format.js";
import { icon } from "./icons.js";
import { reference } from "./json_view.js";
import { messageBody } from "./messages.js";
import { instancesIn, picture } from "./picture.js";
import { facts, fold, sentence, share } from "./widgets.js";

const NOT_FACTS = new Set(["model", "version", "summary", "text", "contentType", "characters"]);
const LABELS = { path: "Read by", needsReview: "Needs a person", ocrConfidence: "Confidence of the reading", confidence: "Confidence", reviewReasons: "Why a person", urgencyConfidence: "Of the urgency", specialtyConfidence: "Of the specialty" };
const FHIR_TYPE = /^[A-Z][A-Za-z]+$/;

export function outcome(run, rows, messages) {
  const results = rows.filter((row) => typeof row.step.output?.confidence === "number");
  const written = rows.flatMap(writtenBy);
  const told = messages ?? [];
  if (!results.length && !written.length && !told.length) return null;
  return h(
    "section",
    { class: "outcome", "aria-label": "What came of it" },
    results.length ? h("div", { key: "results" }, results.map(modelCard)) : null,
    written.length || told.length
      ? h("div", { key: "effects" }, written.length ? writtenCard(written) : null, told.length ? toldCard(told) : null)
      : null,
  );
}

/** References that a step wrote: its committed effect, with its own name for each. */
function writtenBy(row) {
  return (row.step.effect ?? [])
    .filter((one) => one && FHIR_TYPE.test(one.type ?? "") && one.id)
    .map((one) => ({ text: `${one.type}/${one.id}`, outcome: one.outcome, version: one.version, by: row.title }));
}

function modelCard(row) {
  const { output } = row.step;
  const evidence = output.evidence ?? output;
  const told = Object.entries(output).filter(([name, value]) => !NOT_FACTS.has(name) && isPlain(value) && value !== output.summary);
  const parts = told.filter((pair) => isConfidence(pair) && pair[0] !== "confidence");
  const plain = told.filter((pair) => !isConfidence(pair));
  return h(
    "section",
    { class: "card", key: `model:${row.key}` },
    h("h3", {}, row.title),
    output.summary ? h("p", {}, output.summary) : null,
    share(label("confidence"), output.confidence),
    facts([
      ...plain.map(([name, value]) => [label(name), shown(value)]),
      ["Model", evidence.model ? h("span", { class: "mono" }, [evidence.model, evidence.version].filter(Boolean).join(" ")) : null],
    ]),
    parts.length ? fold(`model:${row.key}:parts`, "What the confidence rests on", () => facts(parts.map(([name, value]) => [label(name), percent(value)]))) : null,
    instancesIn(row.step.input).map((uri) => picture(uri, { named: false })),
  );
}

const isConfidence = ([name, value]) => /confidence$/i.test(name) && typeof value === "number" && value >= 0 && value <= 1;
const label = (name) => LABELS[name] ?? words(name);

const isPlain = (value) =>
  ["string", "number", "boolean"].includes(typeof value) ? String(value).length <= 160 : Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string");

function shown(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map((one) => sentence(inWords(one) ?? one)).join(" ");
  return typeof value === "number" ? String(Math.round(value * 1000) / 1000) : value;
}

function writtenCard(written) {
  return h(
    "section",
    { class: "card", key: "written" },
    h("h3", {}, "Written"),
    h(
      "ul",
      { class: "plain" },
      written.map((one) =>
        h("li", { key: `${one.text}/${one.version}`, class: "written" }, icon("written", 16), h("span", {}, reference(one.text), h("span", { class: "soft" }, ` ${one.outcome ?? "written"} by ${one.by}`))),
      ),
    ),
  );
}

function toldCard(told) {
  return h(
    "section",
    { class: "card", key: "told" },
    h("h3", {}, "Told"),
    told.map((message) => h("div", { class: "told", key: message.id }, messageBody(message))),
  );
}

export function sessionFold(run, session) {
  return fold(`${run.runId}:session`, "Session", () =>
    h(
      "ol",
      { class: "session" },
      session.messages.map((one, index) =>
        h("li", { key: index }, h("time", { class: "soft", title: full(one.at) }, clock(one.at)), h("strong", {}, words(one.role)), h("span", {}, text(one.content))),
      ),
    ), { count: session.messages.length });
}

const text = (content) => (typeof content === "string" ? content : JSON.stringify(content));

export function auditFold(run, rows) {
  return fold(`${run.runId}:audit`, "Audit", () =>
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Audit rows" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ["Time", "What", "On", "Who"].map((name) => h("th", { scope: "col", key: name }, name)))),
        h("tbody", {}, rows.map((row) => h("tr", { key: row.id }, h("td", {}, h("time", { title: full(row.at) }, clock(row.at))), h("td", {}, action(row.action)), h("td", { class: "mono" }, entity(row)), h("td", {}, row.actor.principal)))),
      ),
    ), { count: rows.length });
}

/** The run's own rows name their step; the rest name what was touched. */
function entity(row) {
  const [, step] = /^Run\/[^/]+\/(.+)$/.exec(row.entity) ?? [];
  if (step) return step;
  const found = /^([A-Z][A-Za-z]+\/[A-Za-z0-9.-]+)\/_history\/(\d+)$/.exec(row.entity);
  return found ? h("span", {}, reference(found[1]), ` v${found[2]}`) : row.entity;
}
