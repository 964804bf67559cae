import { Check, Copy as CopySign } from "lucide-react";
import { useState } from "react";
import { Icon } from "./Icon";
import styles from "./Copy.module.css";

/** Copies a text; says so by its sign and to readers. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = () =>
    void navigator.clipboard.writeText(text).then(() => {
      setDone(true);
      setTimeout(() => setDone(false), 1_500);
    });
  return (
    <button type="button" className={styles.copy} aria-label={done ? "Copied" : label} title={label} onClick={copy}>
      <Icon of={done ? Check : CopySign} size={14} />
    </button>
  );
}
