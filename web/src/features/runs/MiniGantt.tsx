import { stateOf } from "../../ui/states";
import styles from "./runs.module.css";

/** A step of a run in the list: where in the run's time it stood. */
export interface Segment {
  step: string;
  status: string;
  /** Milliseconds after the run began. */
  from: number;
  /** Null while it goes on. */
  to: number | null;
}

interface Line {
  status: string;
  createdAt: string;
  durationMs: number | null;
  segments?: Segment[];
}

/** The run's steps as one line to scale; the words are said to readers. */
export function MiniGantt({ run }: { run: Line }) {
  const segments = run.segments ?? [];
  const span = Math.max(1, run.durationMs ?? Date.now() - Date.parse(run.createdAt));
  const said = segments.map(({ step, status }) => `${step} ${stateOf(status).word.toLowerCase()}`).join(", ");
  return (
    <span className={styles.gantt} role="img" aria-label={said || "No step yet"} title={said}>
      {segments.map(({ step, status, from, to }, at) => {
        const left = Math.min(99, Math.max(0, (from / span) * 100));
        const width = Math.max(1, Math.min(100 - left, (((to ?? span) - from) / span) * 100));
        return (
          <span
            key={`${step}:${at}`}
            data-kind={stateOf(status).kind}
            style={{ left: `${left}%`, width: `${width}%` }}
          />
        );
      })}
    </span>
  );
}
