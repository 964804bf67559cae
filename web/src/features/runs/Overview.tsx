import { useApi } from "../../api/queries";
import { Bars } from "../../ui/Bars";
import { formatDuration } from "../../ui/format";
import type { Analytics } from "./analytics";
import styles from "./runs.module.css";

interface Props {
  workflow: string;
  onState: (state: string) => void;
}

/** How the runs go: counted in the database, for the last day; tests of drafts are not counted. */
export function Overview({ workflow, onState }: Props) {
  const { data } = useApi<Analytics>("api/analytics/runs", { workflow }, { keep: true });
  if (!data) return <div className={styles.overview} aria-busy="true" />;
  const { now, period } = data;
  return (
    <div className={styles.overview}>
      <Tile word="Running" value={now.running} onOpen={() => onState("running")} />
      <Tile word="Waiting" value={now.waiting} onOpen={() => onState("waiting")} />
      <Tile word="Failed, 24 h" value={period.failed} kind={period.failed ? "failed" : undefined} onOpen={() => onState("failed")} />
      <Tile word="Median, 24 h" value={period.p50Ms === null ? "–" : formatDuration(period.p50Ms)} />
      <Tile word="95 % within" value={period.p95Ms === null ? "–" : formatDuration(period.p95Ms)} />
      <section className={styles.hours} aria-label="Runs per hour">
        <Bars
          label="Runs per hour"
          height={44}
          bars={data.buckets.map(({ at, succeeded, failed, other }) => ({
            label: new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }),
            parts: [
              { kind: "done", value: succeeded, word: "done" },
              { kind: "running", value: other, word: "other" },
              { kind: "failed", value: failed, word: "failed" },
            ],
          }))}
          ends={["24 h ago", "now"]}
        />
      </section>
    </div>
  );
}

interface TileProps {
  word: string;
  value: number | string;
  kind?: "failed" | undefined;
  onOpen?: () => void;
}

function Tile({ word, value, kind, onOpen }: TileProps) {
  const shown = typeof value === "number" ? value.toLocaleString() : value;
  const content = (
    <>
      <span className={styles.word}>{word}</span>
      <span className={styles.value} data-kind={kind}>
        {shown}
      </span>
    </>
  );
  return onOpen ? (
    <button type="button" className={styles.tile} onClick={onOpen}>
      {content}
    </button>
  ) : (
    <div className={styles.tile}>{content}</div>
  );
}
