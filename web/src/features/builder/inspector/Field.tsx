import { Braces, Minus, Plus } from "lucide-react";
import { useId, useState } from "react";
import { Icon } from "../../../ui/Icon";
import type { Name, Schema } from "../server";
import { DataField } from "./DataField";
import { ExpressionInput } from "./ExpressionInput";
import styles from "./fields.module.css";
import { type Control, controlOf, isObject, labelOf, typesOf } from "./schema";

export interface FieldProps {
  name: string;
  path: readonly (string | number)[];
  schema: Schema;
  value: unknown;
  required?: boolean;
  names: readonly Name[];
  /** Values that can be chosen for a key, such as the names of workers. */
  offersFor?: (key: string) => readonly string[];
  finding?: { message: string; severity: string } | undefined;
  onChange: (path: readonly (string | number)[], value: unknown) => void;
  label?: string;
}

const LONG = new Set(["instructions", "description", "message", "body", "query", "statement", "wat", "content", "text"]);
/** A group of so few fields is shown whole. */
const FEW = 7;
const WHOLE = new Set(["when", "condition", "where", "only"]);

/** One field of a form, drawn by its schema. Wherever a value stands an expression may stand. */
export function Field(props: FieldProps) {
  const { name, schema, value, required, finding } = props;
  const id = useId();
  const [raw, setRaw] = useState(false);
  const drawn = controlOf(schema, value);
  const control: Control = raw ? { kind: canBeText(schema, value) && drawn.kind !== "text" ? "text" : "data" } : drawn;
  const label = props.label ?? labelOf(name);
  if (control.kind === "group") return <Group {...props} schema={control.schema} label={label} />;
  return (
    <div className={styles.field} data-field={props.path.join("/")}>
      <div className={styles.head}>
        <label htmlFor={id}>
          {label}
          {required && <span className={styles.required}> required</span>}
        </label>
        {switchable(schema, drawn, value) && (
          <button
            type="button"
            className={styles.switch}
            aria-pressed={raw}
            aria-label={`${label}: ${raw ? "choose a value" : "write it differently"}`}
            title={raw ? "Back to the choice" : "Write an expression or YAML"}
            onClick={() => setRaw(!raw)}
          >
            <Icon of={Braces} size={13} />
          </button>
        )}
      </div>
      <Input {...props} id={id} label={label} control={control} />
      {finding && (
        <p id={`${id}-finding`} className={styles.finding} data-severity={finding.severity}>
          {finding.message}
        </p>
      )}
      {schema.description && (
        <p id={`${id}-says`} className={styles.says}>
          {schema.description.replaceAll("`", "")}
        </p>
      )}
    </div>
  );
}

function Input(props: FieldProps & { id: string; label: string; control: Control }) {
  const { id, label, control, value, schema, path, onChange } = props;
  const set = (next: unknown) => onChange(path, next);
  const described = [props.finding && `${id}-finding`, schema.description && `${id}-says`].filter(Boolean).join(" ");
  const shared = {
    id,
    "aria-label": label,
    "aria-required": props.required,
    "aria-invalid": props.finding?.severity === "error" ? true : undefined,
    "aria-describedby": described || undefined,
  };
  switch (control.kind) {
    case "choice":
      return <Choice {...shared} values={control.values} value={value} otherwise={schema.default} onChoose={set} />;
    case "yes-no": {
      const shown = typeof value === "boolean" ? value : schema.default === true;
      return (
        <span className={styles.check}>
          <input {...shared} type="checkbox" checked={shown} onChange={(event) => set(event.target.checked)} />
          {shown ? "Yes" : "No"}
        </span>
      );
    }
    case "number":
      return (
        <input
          {...shared}
          className={styles.text}
          type="number"
          step={control.whole ? 1 : "any"}
          min={schema.minimum}
          max={schema.maximum}
          placeholder={schema.default === undefined ? undefined : String(schema.default)}
          value={typeof value === "number" ? value : ""}
          onChange={(event) => set(event.target.value === "" ? undefined : Number(event.target.value))}
        />
      );
    case "list":
      return <List {...props} items={Array.isArray(value) ? value : []} />;
    case "data":
      return <DataField {...props} described={described} />;
    default:
      return (
        <ExpressionInput
          id={id}
          label={label}
          value={value === undefined || value === null ? "" : isObject(value) ? JSON.stringify(value) : String(value)}
          onChange={(text) => set(fromText(text, schema))}
          names={props.names}
          whole={WHOLE.has(props.name)}
          offers={offersOf(props)}
          required={props.required ?? false}
          described={described || undefined}
          invalid={props.finding?.severity === "error"}
          rows={LONG.has(props.name) ? 2 : 1}
        />
      );
  }
}

/** What the server has under this key, and what the schema names. */
function offersOf({ offersFor, name, schema }: FieldProps): readonly string[] {
  const named = (schema.examples ?? []).filter((one) => typeof one === "string");
  return [...new Set([...named, ...(offersFor?.(name) ?? [])])];
}

interface ChoiceProps {
  values: readonly unknown[];
  value: unknown;
  otherwise: unknown;
  onChoose: (value: unknown) => void;
}

function Choice({ values, value, otherwise, onChoose, ...rest }: ChoiceProps & Record<string, unknown>) {
  const at = values.findIndex((one) => one === value);
  return (
    <select
      {...rest}
      className={styles.text}
      value={at < 0 ? "" : String(at)}
      onChange={(event) => onChoose(event.target.value === "" ? undefined : values[Number(event.target.value)])}
    >
      <option value="">{otherwise === undefined ? "Choose" : `${String(otherwise)} (when not said)`}</option>
      {values.map((one, index) => (
        <option key={String(one)} value={String(index)}>
          {String(one)}
        </option>
      ))}
    </select>
  );
}

function List(props: FieldProps & { label: string; items: readonly unknown[] }) {
  const { items, path, onChange, label } = props;
  return (
    <div className={styles.list}>
      {items.map((item, at) => (
        <div key={at} className={styles.row}>
          <ExpressionInput
            id={`${props.path.join("-")}-${at}`}
            label={`${label} ${at + 1}`}
            value={String(item)}
            names={props.names}
            offers={offersOf(props)}
            onChange={(text) => onChange([...path, at], text)}
          />
          <button
            type="button"
            className={styles.small}
            aria-label={`Remove ${label} ${at + 1}`}
            onClick={() => onChange(path, items.length === 1 ? undefined : items.filter((_, index) => index !== at))}
          >
            <Icon of={Minus} size={14} />
          </button>
        </div>
      ))}
      <button type="button" className={styles.add} onClick={() => onChange(path, [...items, ""])}>
        <Icon of={Plus} size={14} /> Add
      </button>
    </div>
  );
}

function Group(props: FieldProps & { label: string }) {
  const { schema, value, path, label } = props;
  const data = isObject(value) ? value : {};
  const known = Object.keys(schema.properties ?? {});
  const needed = new Set(schema.required ?? []);
  const first = known.filter((key) => needed.has(key) || key in data);
  const [all, setAll] = useState(first.length === 0 || known.length <= FEW);
  const shown = all ? known : known.filter((key) => first.includes(key));
  return (
    <fieldset className={styles.group} data-field={path.join("/")}>
      <legend>
        {label}
        {props.required && <span className={styles.required}> required</span>}
      </legend>
      {schema.description && <p className={styles.says}>{schema.description}</p>}
      {shown.map((key) => (
        <Field
          key={key}
          {...props}
          label={labelOf(key)}
          name={key}
          path={[...path, key]}
          schema={schema.properties?.[key] ?? {}}
          value={data[key]}
          required={needed.has(key)}
          finding={undefined}
        />
      ))}
      {shown.length < known.length && (
        <button type="button" className={styles.add} onClick={() => setAll(true)}>
          <Icon of={Plus} size={14} /> {known.length - shown.length} more
        </button>
      )}
    </fieldset>
  );
}

function canBeText(schema: Schema, value: unknown): boolean {
  return value === undefined || typeof value === "string" || typesOf(schema).includes("string") || !isObject(value);
}

function switchable(schema: Schema, drawn: Control, value: unknown): boolean {
  if (drawn.kind === "choice" || drawn.kind === "yes-no" || drawn.kind === "number" || drawn.kind === "list") return true;
  const types = typesOf(schema);
  return drawn.kind === "text" && typeof value !== "string" && (types.includes("object") || types.includes("array"));
}

/** A number stays a number where one may stand; nothing takes the key away. */
function fromText(text: string, schema: Schema): unknown {
  if (text === "") return undefined;
  const types = typesOf(schema);
  const numeric = /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text);
  if (numeric && (types.includes("number") || types.includes("integer"))) return Number(text);
  if (types.includes("boolean") && (text === "true" || text === "false")) return text === "true";
  return text;
}
