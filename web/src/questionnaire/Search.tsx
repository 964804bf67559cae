import { useEffect, useId, useState } from "react";
import type { FieldProps } from "./Field";
import { begin, wordOf } from "./model";
import type { Coding } from "./types";
import styles from "./form.module.css";

const AFTER = 200;

/** A choice among more options than can be shown: they are found on the server by their words. */
export function Search({ item, nodes, readOnly, wrong, words, labelledBy, describedBy, source, valueSet, onNodes }: FieldProps & { valueSet: string }) {
  const list = useId();
  const [typed, setTyped] = useState("");
  const [found, setFound] = useState<readonly Coding[]>([]);
  const [fault, setFault] = useState(false);
  useEffect(() => {
    if (typed.trim().length < 2) return setFound([]);
    let wanted = true;
    const timer = setTimeout(() => {
      source.find(valueSet, typed.trim()).then(
        ({ options }) => {
          if (!wanted) return;
          setFault(false);
          setFound(options);
        },
        () => wanted && setFault(true),
      );
    }, AFTER);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [typed, source, valueSet]);
  const choose = (coding: Coding) => {
    const node = { answer: { valueCoding: coding }, items: begin(item.item) };
    onNodes((all) => (item.repeats ? [...all, node] : [node]));
    setTyped("");
  };
  const own = () => {
    const node = { answer: { valueString: typed.trim() }, items: begin(item.item) };
    onNodes((all) => (item.repeats ? [...all, node] : [node]));
    setTyped("");
  };
  return (
    <div className={styles.inputs}>
      {nodes.map((node, at) =>
        node.answer ? (
          <span key={at} className={styles.row}>
            {wordOf(node.answer)}
            {!readOnly && (
              <button type="button" className={styles.small} onClick={() => onNodes((all) => all.filter((_, other) => other !== at))}>
                {words.remove}
              </button>
            )}
          </span>
        ) : null,
      )}
      {!readOnly && (item.repeats || !nodes.some(({ answer }) => answer)) && (
        <>
          <input
            type="search"
            className={styles.input}
            aria-labelledby={labelledBy}
            aria-describedby={describedBy}
            aria-invalid={wrong || undefined}
            aria-controls={list}
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          {fault && (
            <span className={styles.fault} role="alert">
              {words.offline}
            </span>
          )}
          <ul id={list} className={styles.found} aria-live="polite">
            {found.map((coding) => (
              <li key={`${coding.system}|${coding.code}`}>
                <button type="button" className={styles.small} onClick={() => choose(coding)}>
                  {coding.display ?? coding.code}
                </button>
              </li>
            ))}
            {item.type === "open-choice" && typed.trim() && (
              <li>
                <button type="button" className={styles.small} onClick={own}>
                  {words.other}: {typed.trim()}
                </button>
              </li>
            )}
          </ul>
        </>
      )}
    </div>
  );
}
