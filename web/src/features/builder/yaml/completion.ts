/** What can be written at a place of the YAML: keys, types, values, and names in expressions. */
import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { CONDITIONS, STEP_KEYS, WORKFLOW_ORDER } from "../../../graph";
import { tokenAt } from "../inspector/names";
import { STEP_FIELDS, WORKFLOW_FIELDS } from "../inspector/engine";
import type { Outline, Schema, StepType } from "../server";
import { TRIGGERS, triggerType } from "../triggers";
import { contextAt, type LineContext } from "./context";

export interface Known {
  types: ReadonlyMap<string, StepType>;
  outline: Outline;
}

interface Offer {
  label: string;
  detail?: string | undefined;
}

const LISTS = new Set(["steps", "then", "else", "default", "fallback", "compensate"]);

export function completions(context: CompletionContext, known: Known): CompletionResult | null {
  const text = context.state.doc.toString();
  const here = contextAt(text, context.pos);
  const line = context.state.doc.lineAt(context.pos);
  const name = tokenAt(line.text, context.pos - line.from, here.value !== null && CONDITIONS.has(here.value) && here.typed !== "");
  if (name) {
    const { names } = known.outline;
    return { from: line.from + name.from, options: names.map((one) => ({ label: one.name, detail: one.type, type: "variable" })), validFor: /^[\w.%$'[\]-]*$/ };
  }
  const offers = here.value === null ? keysAt(here, known) : valuesAt(here, known);
  if (offers.length === 0 || (!context.explicit && here.typed === "" && here.value === null)) return null;
  const suffix = here.value === null ? ": " : "";
  return {
    from: context.pos - here.typed.length,
    options: offers.map((one) => ({ label: one.label, apply: one.label + suffix, ...(one.detail ? { detail: one.detail } : {}), type: here.value === null ? "property" : "constant" })),
    validFor: /^[\w.$-]*$/,
  };
}

/** The schema of the mapping that the line stands in. */
function schemaAt(here: LineContext, known: Known): { properties: Readonly<Record<string, Schema>>; step: boolean } | null {
  const keys = here.keys[0] === "workflow" ? here.keys.slice(1) : here.keys;
  if (keys.length === 0) {
    const all = Object.fromEntries(WORKFLOW_ORDER.map((key) => [key, WORKFLOW_FIELDS[key] ?? {}]));
    return { properties: here.keys.length === 0 ? { workflow: {}, ...all } : all, step: false };
  }
  const last = keys[keys.length - 1];
  const holder = last === "-" ? keys[keys.length - 2] : undefined;
  if (last === "trigger" || (last === "-" && holder === "triggers")) {
    const type = triggerType(here.siblings.get("type") ?? "");
    return { properties: { type: { enum: TRIGGERS.map((one) => one.type) }, ...type?.input.properties }, step: false };
  }
  const inNamed = last === "-" && ["cases", "branches"].includes(keys[keys.length - 3] ?? "");
  if (last === "-" && (LISTS.has(holder ?? "") || inNamed)) {
    const type = known.types.get(here.siblings.get("type") ?? "");
    const engine = Object.fromEntries(STEP_KEYS.map((key) => [key, STEP_FIELDS[key] ?? {}]));
    return { properties: { ...engine, type: { enum: [...known.types.keys()] }, ...type?.input.properties }, step: true };
  }
  return null;
}

function keysAt(here: LineContext, known: Known): Offer[] {
  const found = schemaAt(here, known);
  if (!found) return [];
  return Object.entries(found.properties)
    .filter(([key]) => !here.siblings.has(key))
    .map(([label, schema]) => ({ label, detail: schema.description?.slice(0, 60) }));
}

function valuesAt(here: LineContext, known: Known): Offer[] {
  const schema = schemaAt(here, known)?.properties[here.value ?? ""];
  const values = schema?.enum ?? (schema?.type === "boolean" ? [true, false] : []);
  if (here.value === "type" && values.length > 0) {
    return values.map((one) => ({ label: String(one), detail: known.types.get(String(one))?.title }));
  }
  return values.filter((one) => one !== null).map((one) => ({ label: String(one) }));
}
