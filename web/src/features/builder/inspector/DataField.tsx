import { Minus, Plus, Rows3, TextCursorInput } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { parse, stringify } from "yaml";
import { same } from "../../../graph";
import { Icon } from "../../../ui/Icon";
import { ExpressionInput } from "./ExpressionInput";
import type { FieldProps } from "./Field";
import styles from "./fields.module.css";
import { isObject } from "./schema";

/** Data without a form of its own: names and values in rows while it is flat, YAML when it is deep. */
export function DataField(props: FieldProps & { id: string; label: string; described?: string }) {
  const { value, schema } = props;
  const flat = value === undefined || (isObject(value) && Object.values(value).every((one) => typeof one !== "object" || one === null));
  const rowsPossible = flat && acceptsObject(schema.type);
  const [yaml, setYaml] = useState(!rowsPossible || props.name === "data");
  const asYaml = yaml || !rowsPossible;
  return (
    <div className={styles.dataField}>
      {asYaml ? <Yaml {...props} /> : <Rows {...props} data={isObject(value) ? value : {}} />}
      {rowsPossible && (
        <button type="button" className={styles.add} onClick={() => setYaml(!yaml)}>
          <Icon of={asYaml ? Rows3 : TextCursorInput} size={14} /> {asYaml ? "As rows" : "As YAML"}
        </button>
      )}
    </div>
  );
}

function acceptsObject(type: string | readonly string[] | undefined): boolean {
  return type === undefined || type === "object" || (typeof type !== "string" && type.includes("object"));
}

function Yaml(props: FieldProps & { id: string; label: string; described?: string }) {
  const { value, path, onChange } = props;
  const [text, setText] = useState(() => written(value));
  const [wrong, setWrong] = useState<string | null>(null);
  const sent = useRef(value);
  useEffect(() => {
    if (same(sent.current, value)) return;
    sent.current = value;
    setText(written(value));
    setWrong(null);
  }, [value]);
  const change = (next: string) => {
    setText(next);
    try {
      const read: unknown = next.trim() === "" ? undefined : parse(next);
      setWrong(null);
      sent.current = read;
      onChange(path, read);
    } catch (error) {
      setWrong(error instanceof Error ? (error.message.split("\n")[0] ?? "") : "This is not YAML");
    }
  };
  return (
    <>
      <ExpressionInput
        id={props.id}
        label={props.label}
        value={text}
        names={props.names}
        onChange={change}
        required={props.required ?? false}
        described={props.described || undefined}
        invalid={wrong !== null}
        mono
        rows={4}
      />
      {wrong && <p className={styles.finding}>{wrong}</p>}
    </>
  );
}

function Rows(props: FieldProps & { id: string; label: string; data: Record<string, unknown> }) {
  const { data, path, onChange, label } = props;
  const [fresh, setFresh] = useState<string | null>(null);
  const entries = Object.entries(data);
  const rename = (old: string, name: string) => {
    if (name === "" || name === old || name in data) return;
    onChange(path, Object.fromEntries(entries.map(([key, value]) => [key === old ? name : key, value])));
  };
  const keep = () => {
    if (fresh && !(fresh in data)) onChange([...path, fresh], "");
    setFresh(null);
  };
  return (
    <div className={styles.rows}>
      {entries.map(([key, value]) => (
        <div key={key} className={styles.pair} data-field={[...path, key].join("/")}>
          <NameInput label={`Name in ${label}`} name={key} onRename={(name) => rename(key, name)} />
          <ExpressionInput
            id={`${props.id}-${key}`}
            label={`${label}: ${key}`}
            value={value === null || value === undefined ? "" : String(value)}
            names={props.names}
            onChange={(text) => onChange([...path, key], scalar(text, value))}
          />
          <button type="button" className={styles.small} aria-label={`Remove ${key}`} onClick={() => onChange([...path, key], undefined)}>
            <Icon of={Minus} size={14} />
          </button>
        </div>
      ))}
      {fresh !== null || entries.length === 0 ? (
        <input
          id={props.id}
          className={styles.text}
          aria-label={`New name in ${label}`}
          placeholder="New name, then Enter"
          value={fresh ?? ""}
          autoFocus={fresh !== null}
          onChange={(event) => setFresh(event.target.value)}
          onBlur={keep}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            const name = fresh;
            keep();
            if (name) focusSoon(`${props.id}-${name}`);
          }}
        />
      ) : (
        <button id={props.id} type="button" className={styles.add} onClick={() => setFresh("")}>
          <Icon of={Plus} size={14} /> Add a name
        </button>
      )}
    </div>
  );
}

function NameInput({ label, name, onRename }: { label: string; name: string; onRename: (name: string) => void }) {
  const [text, setText] = useState(name);
  return (
    <input
      className={styles.key}
      aria-label={label}
      value={text}
      spellCheck={false}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => onRename(text.trim())}
      onKeyDown={(event) => event.key === "Enter" && onRename(text.trim())}
    />
  );
}

function focusSoon(id: string): void {
  setTimeout(() => document.getElementById(id)?.focus(), 0);
}

/** Numbers and truth values stay what they were while they are written as such. */
function scalar(text: string, was: unknown): unknown {
  if (typeof was === "number" && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return Number(text);
  if (typeof was === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

function written(value: unknown): string {
  return value === undefined ? "" : stringify(value, { lineWidth: 0 }).trimEnd();
}
