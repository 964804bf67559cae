import { ChevronDown, ChevronRight } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Copy } from "./Copy";
import { counted } from "./format";
import { Icon } from "./Icon";
import styles from "./JsonView.module.css";

interface Props {
  value: unknown;
  /** What it is, for readers: "Output of the step". */
  label?: string;
  /** Levels that are open at first. */
  open?: number;
  /** Where it is: copied paths begin with it, e.g. "steps.read.output". */
  root?: string;
}

/** JSON to unfold; each key copies its path, the head copies the whole. Long lists are shown in
 * pieces of 100. */
export function JsonView({ value, label = "JSON", open = 2, root = "" }: Props) {
  return (
    <div className={styles.json} role="group" aria-label={label}>
      <div className={styles.copy}>
        <Copy text={JSON.stringify(value, null, 2)} label={`Copy ${label}`} />
      </div>
      <Node value={value} path={root} levels={open} />
    </div>
  );
}

const PIECE = 100;

interface NodeProps {
  name?: string | undefined;
  value: unknown;
  path: string;
  levels: number;
}

function Node({ name, value, path, levels }: NodeProps) {
  const [open, setOpen] = useState(levels > 0);
  const [shown, setShown] = useState(PIECE);
  if (typeof value !== "object" || value === null) return <Leaf name={name} value={value} path={path} />;
  const entries = Object.entries(value);
  const list = Array.isArray(value);
  const size = counted(entries.length, list ? "item" : "key");
  if (!entries.length) return <Line name={name} path={path}>{list ? "[]" : "{}"}</Line>;
  return (
    <div>
      <div className={styles.line}>
        <button
          type="button"
          className={styles.fold}
          aria-expanded={open}
          aria-label={`${name ?? "Everything"}, ${size}`}
          onClick={() => setOpen(!open)}
        >
          <Icon of={open ? ChevronDown : ChevronRight} size={14} />
        </button>
        {name !== undefined && <Name name={name} path={path} />}
        <span className={styles.size}>{size}</span>
      </div>
      {open && (
        <div className={styles.inner}>
          {entries.slice(0, shown).map(([key, one]) => (
            <Node key={key} name={key} value={one} path={joined(path, key, list)} levels={levels - 1} />
          ))}
          {entries.length > shown && (
            <button type="button" className={styles.more} onClick={() => setShown(shown + PIECE)}>
              Show {Math.min(PIECE, entries.length - shown)} more of {entries.length - shown}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

export function joined(path: string, key: string, list: boolean): string {
  if (list) return `${path}[${key}]`;
  return /^[A-Za-z_]\w*$/.test(key) ? (path ? `${path}.${key}` : key) : `${path}["${key}"]`;
}

function Leaf({ name, value, path }: { name: string | undefined; value: unknown; path: string }) {
  const kind = value === null ? "null" : typeof value;
  return (
    <Line name={name} path={path}>
      <span data-kind={kind}>{typeof value === "string" ? value : String(value)}</span>
    </Line>
  );
}

function Line({ name, path, children }: { name: string | undefined; path: string; children: ReactNode }) {
  return (
    <div className={styles.line} data-leaf>
      {name !== undefined && <Name name={name} path={path} />}
      <span className={styles.value}>{children}</span>
    </div>
  );
}

function Name({ name, path }: { name: string; path: string }) {
  const [said, setSaid] = useState(false);
  const copy = () =>
    void navigator.clipboard.writeText(path).then(() => {
      setSaid(true);
      setTimeout(() => setSaid(false), 1_500);
    });
  return (
    <button type="button" className={styles.name} title={`Copy the path ${path}`} onClick={copy}>
      {name}
      {said && <span className={styles.said}> copied</span>}
    </button>
  );
}
