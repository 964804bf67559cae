/** What a run is started with: fields from the workflow's input schema, and back to JSON. */
export interface InputSchema {
  type?: string;
  title?: string;
  description?: string;
  enum?: readonly unknown[];
  default?: unknown;
  maxLength?: number;
  required?: readonly string[];
  properties?: Readonly<Record<string, InputSchema>>;
}

export interface InputField {
  name: string;
  label: string;
  says: string | undefined;
  required: boolean;
  kind: "text" | "number" | "flag" | "choice" | "json";
  choices: readonly string[];
  begin: string;
}

const SCALARS: Record<string, InputField["kind"]> = {
  string: "text",
  number: "number",
  integer: "number",
  boolean: "flag",
};

/** The fields of a schema; none when it says nothing of single values. */
export function fieldsOf(schema: InputSchema | undefined): InputField[] {
  return Object.entries(schema?.properties ?? {}).map(([name, one]) => ({
    name,
    label: one.title ?? words(name),
    says: one.description,
    required: schema?.required?.includes(name) ?? false,
    kind: one.enum ? "choice" : (SCALARS[one.type ?? ""] ?? "json"),
    choices: (one.enum ?? []).map(String),
    begin: one.default === undefined ? "" : typeof one.default === "string" ? one.default : JSON.stringify(one.default),
  }));
}

/** "patientId" as "Patient id". */
export function words(name: string): string {
  const apart = name.replace(/([a-z\d])([A-Z])/g, "$1 $2").replace(/[_-]+/g, " ").toLowerCase();
  return apart.charAt(0).toUpperCase() + apart.slice(1);
}

/** What is typed does not fit its field. */
export class WrongInput extends Error {}

/** The trigger that the fields make; raises WrongInput with the field's name. */
export function triggerOf(fields: readonly InputField[], values: Readonly<Record<string, string>>): Record<string, unknown> {
  const trigger: Record<string, unknown> = {};
  for (const field of fields) {
    const text = (values[field.name] ?? field.begin).trim();
    if (field.kind === "flag") trigger[field.name] = text === "true";
    else if (text) trigger[field.name] = valueOf(field, text);
  }
  return trigger;
}

function valueOf({ kind, label }: InputField, text: string): unknown {
  if (kind === "number") {
    const value = Number(text);
    if (Number.isNaN(value)) throw new WrongInput(`${label} must be a number`);
    return value;
  }
  return kind === "json" ? parsed(text, label) : text;
}

/** A JSON object that was typed as a whole; nothing typed is an empty one. */
export function wholeOf(text: string): Record<string, unknown> {
  const value = text.trim() ? parsed(text, "The input") : {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new WrongInput('The input must be a JSON object: {"name": "value"}');
  }
  return value as Record<string, unknown>;
}

function parsed(text: string, label: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new WrongInput(`${label} is not JSON: ${(error as SyntaxError).message}`);
  }
}
