/** Which control a piece of JSON Schema is drawn with. */
import type { Schema } from "../server";

export type Control =
  | { kind: "text" }
  | { kind: "number"; whole: boolean }
  | { kind: "choice"; values: readonly unknown[]; other: boolean }
  | { kind: "yes-no" }
  | { kind: "group"; schema: Schema }
  | { kind: "list"; items: Schema }
  | { kind: "data" };

/** Kinds that a value may have, without null. */
export function typesOf(schema: Schema): string[] {
  const types = typeof schema.type === "string" ? [schema.type] : [...(schema.type ?? [])];
  return types.filter((type) => type !== "null");
}

export function controlOf(schema: Schema, value: unknown): Control {
  if (typeof value === "string" && value.includes("{{")) return { kind: "text" };
  const options = schema.anyOf ?? schema.oneOf;
  if (schema.enum) return { kind: "choice", values: schema.enum.filter((one) => one !== null), other: false };
  if (options) return unionOf(options, value);
  const types = typesOf(schema);
  if (isObject(value)) return schema.properties ? { kind: "group", schema } : { kind: "data" };
  if (Array.isArray(value)) return isTexts(schema, value) ? { kind: "list", items: schema.items ?? {} } : { kind: "data" };
  if (types.includes("string")) return { kind: "text" };
  if (types.includes("boolean")) return { kind: "yes-no" };
  if (types.includes("integer") || types.includes("number")) return { kind: "number", whole: !types.includes("number") };
  if (types.includes("object")) return schema.properties ? { kind: "group", schema } : { kind: "data" };
  if (types.includes("array")) return isTexts(schema, []) ? { kind: "list", items: schema.items ?? {} } : { kind: "data" };
  return { kind: "data" };
}

function unionOf(options: readonly Schema[], value: unknown): Control {
  const values = options.flatMap((one) => one.enum ?? (one.const === undefined ? [] : [one.const]));
  if (values.length > 0 && (value === undefined || !isObject(value))) {
    return { kind: "choice", values, other: values.length > 0 && options.some((one) => one.enum === undefined && one.const === undefined) };
  }
  const fitting = options.find((one) => fits(one, value)) ?? options.find((one) => typesOf(one).length > 0);
  return fitting ? controlOf(fitting, value) : { kind: "data" };
}

function fits(schema: Schema, value: unknown): boolean {
  const types = typesOf(schema);
  if (isObject(value)) return types.includes("object");
  if (Array.isArray(value)) return types.includes("array");
  return types.includes(typeof value) || (typeof value === "number" && types.includes("integer"));
}

function isTexts(schema: Schema, value: readonly unknown[]): boolean {
  return typesOf(schema.items ?? {}).includes("string") && value.every((one) => typeof one === "string");
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const WORDS: Readonly<Record<string, string>> = {
  fhir: "FHIR",
  id: "id",
  url: "address",
  sla: "time allowed",
  csv: "CSV",
};

/** `ifNoneExist` as a person would write it: "If none exist". */
export function labelOf(key: string): string {
  const known = WORDS[key];
  if (known) return known.charAt(0).toUpperCase() + known.slice(1);
  const words = key.replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
