import { X } from "lucide-react";
import { Icon } from "../ui/Icon";
import { Sheet } from "../ui/Sheet";
import { shortcuts } from "./shortcuts";
import styles from "./KeysHelp.module.css";

const NAMES: Record<string, string> = { mod: "Ctrl", shift: "Shift", alt: "Alt", " ": "Space" };

const named = (keys: string) =>
  keys.split("+").map((key) => NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key));

export function KeysHelp({ onClose }: { onClose: () => void }) {
  return (
    <Sheet label="Keys" onClose={onClose}>
      <div className={styles.head}>
        <h2>Keys</h2>
        <button type="button" className={styles.close} aria-label="Close" onClick={onClose}>
          <Icon of={X} />
        </button>
      </div>
      <dl className={styles.list}>
        {shortcuts().map(({ keys, word }) => (
          <div key={keys}>
            <dt>
              {named(keys).map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{word}</dd>
          </div>
        ))}
      </dl>
    </Sheet>
  );
}
