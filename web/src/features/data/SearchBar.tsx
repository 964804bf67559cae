import { TextInput } from "@mantine/core";
import { X } from "lucide-react";
import { useId, useState } from "react";
import { Icon } from "../../ui/Icon";
import type { SearchParameter } from "./capability";
import styles from "./data.module.css";

interface Props {
  parameters: readonly SearchParameter[];
  query: URLSearchParams;
  onQuery: (query: URLSearchParams) => void;
}

const MODIFIERS: Record<string, readonly string[]> = {
  string: ["", ":exact", ":contains", ":missing"],
  token: ["", ":not", ":text", ":missing"],
  reference: ["", ":missing"],
  date: ["", ":missing"],
};

/** FHIR search, a condition at a time, or plain words: `name=rossi`, `birthdate=ge1980`. The names that this type
 * knows are suggested; what is wrong the server says. */
/** Words without a name are looked for where people expect it: in the name, or in what it is. */
function plainWords(text: string, parameters: readonly SearchParameter[]): readonly string[] {
  const known = (name: string) => parameters.some((one) => one.name === name);
  if (text.includes("=")) return [];
  if (known("name")) return [text, "name", text];
  if (known("title")) return [text, "title", text];
  return known("code") ? [text, "code:text", text] : [];
}

export function SearchBar({ parameters, query, onQuery }: Props) {
  const [typed, setTyped] = useState("");
  const [fault, setFault] = useState<string>();
  const known = useId();
  const names = parameters.flatMap(({ name, type }) => (MODIFIERS[type] ?? [""]).map((modifier) => `${name}${modifier}=`));
  const add = () => {
    const text = typed.trim();
    if (!text) return;
    const [, name, value] = /^([\w.:-]+)=(.+)$/.exec(text) ?? plainWords(text, parameters);
    if (!name || !value) return setFault("Write a condition, for example status=active.");
    const next = new URLSearchParams(query);
    next.append(name, value);
    setTyped("");
    setFault(undefined);
    onQuery(next);
  };
  const drop = (at: number) => {
    const left = [...query].filter((_, index) => index !== at);
    onQuery(new URLSearchParams(left));
  };
  return (
    <div className={styles.bar}>
      <TextInput
        size="xs"
        className={styles.condition}
        aria-label="Add a condition"
        placeholder="rossi, or birthdate=ge1980"
        list={known}
        value={typed}
        error={fault}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setFault(undefined);
        }}
        onKeyDown={(event) => event.key === "Enter" && add()}
      />
      <datalist id={known}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <ul className={styles.conditions} aria-label="Conditions">
        {[...query].map(([name, value], at) => (
          <li key={`${name}=${value}:${at}`}>
            <span>
              {name}={value}
            </span>
            <button type="button" aria-label={`Remove ${name}`} onClick={() => drop(at)}>
              <Icon of={X} size={12} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
