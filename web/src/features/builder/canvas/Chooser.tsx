import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import type { LucideIcon } from "lucide-react";
import { Icon } from "../../../ui/Icon";
import styles from "./Chooser.module.css";

export interface Choice {
  key: string;
  title: string;
  says?: string;
  icon?: LucideIcon;
  group?: string;
}

interface Props {
  label: string;
  choices: (words: string) => readonly Choice[];
  onChoose: (key: string) => void;
  onClose: () => void;
}

/** One line to search in and a list to choose from; Escape and a click elsewhere close it. */
export function Chooser({ label, choices, onChoose, onClose }: Props) {
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const box = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const offered = choices(words);
  const active = offered[Math.min(at, offered.length - 1)];
  useEffect(() => input.current?.focus(), []);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) onClose();
    };
    addEventListener("pointerdown", outside, true);
    return () => removeEventListener("pointerdown", outside, true);
  }, [onClose]);
  useEffect(() => {
    document.getElementById(`${list}-${active?.key}`)?.scrollIntoView({ block: "nearest" });
  }, [active?.key, list]);
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && offered.length > 0) setAt((Math.min(at, offered.length - 1) + step + offered.length) % offered.length);
    else if (event.key === "Enter" && active) onChoose(active.key);
    else if (event.key === "Escape") onClose();
    else if (event.key !== "Tab") return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={box} className={styles.box} role="dialog" aria-label={label} onKeyDown={press}>
      <input
        ref={input}
        className={styles.input}
        role="combobox"
        aria-label={label}
        aria-expanded="true"
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={active ? `${list}-${active.key}` : undefined}
        placeholder={label}
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          setAt(0);
        }}
      />
      <ul id={list} role="listbox" aria-label={label} className={styles.list}>
        {offered.map((choice) => (
          <li
            key={choice.key}
            id={`${list}-${choice.key}`}
            role="option"
            aria-selected={choice === active}
            className={styles.choice}
            data-group={choice.group}
            onClick={() => onChoose(choice.key)}
          >
            {choice.icon && <Icon of={choice.icon} size={16} />}
            <span className={styles.title}>{choice.title}</span>
            {choice.says && <span className={styles.says}>{choice.says}</span>}
          </li>
        ))}
        {offered.length === 0 && (
          <li className={styles.none} role="option" aria-selected="false" aria-disabled="true">
            Nothing is called that
          </li>
        )}
      </ul>
    </div>
  );
}
