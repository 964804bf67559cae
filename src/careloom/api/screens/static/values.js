// What a task shows, readable: names and values instead of JSON, codes in words.

import { inWords } from "./codes.js";
import { h } from "./dom.js";
import { isReference, percent, words } from "./format.js";
import { reference } from "./json_view.js";
import { instanceOf, picture } from "./picture.js";
import { fileLink, fileOf } from "./stored_file.js";
import { facts, sentence } from "./widgets.js";

/** The short names that referrals use, written out. */
const LABELS = {
  hr: "Heart rate",
  sbp: "Systolic pressure",
  dbp: "Diastolic pressure",
  rr: "Breaths per minute",
  spo2: "Oxygen saturation",
  tempC: "Temperature, °C",
  noKnownAllergies: "Says that there are no allergies",
};
const label = (name) => LABELS[name] ?? words(name);
const DEEPEST = 6;
const PLACE = new Set(["start", "end", "confidence", "value", "page", "line"]);
const MOST_TOLD = 110;

/** Everything that a task shows, as a card; null when it shows nothing. */
export function shownValues(show, owner) {
  const entries = Object.entries(show);
  if (!entries.length) return null;
  const told = entries.map(([name, value]) => [label(name), shown(name, found(value), owner, 0) ?? "none"]);
  return h("section", { class: "card show", "aria-label": "What to look at" }, facts(told));
}

/** A value that was found in a text stands with its place there: the value is what a person reads. */
function found(value) {
  const placed = isObject(value) && "value" in value && Object.keys(value).every((name) => PLACE.has(name));
  return placed ? value.value : value;
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isEmpty = (value) => value === null || value === undefined || value === "" || (typeof value === "object" && Object.values(value).every((one) => isEmpty(found(one))));

/** null for what holds nothing. */
function shown(name, value, owner, depth) {
  if (isEmpty(value)) return null;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return number(name, value);
  if (typeof value === "string") return text(value, owner);
  if (depth > DEEPEST) return JSON.stringify(value);
  return Array.isArray(value) ? list(name, value, owner, depth) : nested(value, owner, depth);
}

const number = (name, value) => (/confidence$/i.test(name) && value >= 0 && value <= 1 ? percent(value) : String(Math.round(value * 1000) / 1000));

function text(value, owner) {
  if (instanceOf(value)) return picture(value);
  if (fileOf(value)) return fileLink(owner, value);
  if (isReference(value)) return reference(value);
  return h("span", { class: "said" }, inWords(value) ?? value);
}

function list(name, value, owner, depth) {
  const items = value.map(found).filter((one) => !isEmpty(one));
  const told = items.map((one) => (typeof one === "string" && !fileOf(one) && !instanceOf(one) && !isReference(one) ? sentence(inWords(one) ?? one) : shown(name, one, owner, depth + 1)));
  return h("ul", { class: "said-list" }, told.map((one, index) => h("li", { key: index }, one)));
}

function nested(value, owner, depth) {
  const pairs = Object.entries(value).map(([name, one]) => [label(name), shown(name, found(one), owner, depth + 1)]);
  return facts(pairs);
}

/** The few values that tell one task from another: patient, plain values, files; "" for none. */
export function telling(show) {
  const entries = Object.entries(show).map(([name, value]) => [name, found(value)]);
  const files = entries.map(([, value]) => fileOf(value)?.name);
  const told = [patientOf(show), ...entries.map(([name, value]) => brief(name, value)), ...files];
  const line = [...new Set(told.filter(Boolean))].slice(0, 4).join(" · ");
  return line.length > MOST_TOLD ? `${line.slice(0, MOST_TOLD)} …` : line;
}

function brief(name, value) {
  if (typeof value !== "string" || instanceOf(value) || fileOf(value)) return null;
  if (/^why$|summary|reason/i.test(name)) return null;
  return isReference(value) ? value.replace(/^(\w+)\/(.{8}).+$/, "$1 $2…") : value;
}

/** A person's name somewhere in what is shown: FHIR's HumanName, or family and given. */
function patientOf(value, depth = 0) {
  if (!isObject(value) || depth > DEEPEST) return null;
  const [human] = Array.isArray(value.name) ? value.name : [];
  const family = found(value.family ?? human?.family);
  const given = found(value.given ?? human?.given);
  const name = [given, family].flat().filter((one) => typeof one === "string").join(" ");
  if (name) return name;
  if (typeof value.name === "string") return value.name;
  if (isObject(value.patient)) return patientOf(value.patient, depth + 1);
  for (const [key, one] of Object.entries(value)) {
    const inside = key === "referrer" ? null : patientOf(one, depth + 1);
    if (inside) return inside;
  }
  return null;
}
