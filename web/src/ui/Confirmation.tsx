import { Button } from "@mantine/core";
import { useEffect, useId, useRef, type ReactNode } from "react";
import { ErrorPanel } from "./ErrorPanel";
import styles from "./Confirmation.module.css";

interface Props {
  /** "Retry this run?" */
  question: string;
  /** Exactly what will happen, one line each. */
  effects?: readonly ReactNode[];
  /** What to know before. */
  warnings?: readonly string[];
  /** The word on the button: what it does. */
  confirm: string;
  /** The word of going back; "Leave it" unless told. */
  leave?: string;
  danger?: boolean;
  busy?: boolean;
  error?: unknown;
  children?: ReactNode;
  onConfirm: () => void;
  onCancel: () => void;
}

/** Asked in place, without a dialog: the page stays readable, Esc leaves it, the focus comes here
 * and goes back to the button that asked. */
export function Confirmation(props: Props) {
  const { question, effects = [], warnings = [], confirm, leave = "Leave it", danger, busy, error } = props;
  const title = useId();
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    place.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <section
      ref={place}
      className={styles.place}
      data-danger={danger || undefined}
      aria-labelledby={title}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        props.onCancel();
      }}
    >
      <h2 id={title}>{question}</h2>
      {effects.length > 0 && (
        <ul className={styles.effects} aria-label="What will happen">
          {effects.map((effect, at) => (
            <li key={at}>{effect}</li>
          ))}
        </ul>
      )}
      {warnings.map((warning) => (
        <p key={warning} className={styles.warning}>
          {warning}
        </p>
      ))}
      {props.children}
      {error !== undefined && error !== null && <ErrorPanel error={error} what="Nothing was changed" />}
      <div className={styles.buttons}>
        <Button size="xs" color={danger ? "red" : undefined} loading={busy ?? false} onClick={props.onConfirm}>
          {confirm}
        </Button>
        <Button size="xs" variant="default" disabled={busy ?? false} onClick={props.onCancel}>
          {leave}
        </Button>
      </div>
    </section>
  );
}
