import { useState } from "react";
import { useStore } from "zustand";
import { hunks, merge } from "../../../graph";
import { Ago } from "../../../ui/Time";
import type { Saver } from "../saving";
import { useBuilder, useBuilderStore } from "../state";
import { Panel } from "./Panel";
import styles from "./panels.module.css";

/** Two people changed one draft: both versions, and three ways on. Neither is lost by any of them. */
export function ConflictPanel({ saver }: { saver: Saver }) {
  const store = useBuilderStore();
  const conflict = useStore(saver.store, (state) => state.conflict);
  const mine = useBuilder((state) => state.history.present.state.text);
  const [busy, setBusy] = useState(false);
  if (!conflict) return null;
  const { base, theirs } = conflict;
  const merged = merge(base, mine, theirs.source);
  const act = async (what: () => Promise<void> | void) => {
    setBusy(true);
    await what();
    setBusy(false);
    store.getState().open(null);
  };
  return (
    <Panel title="Two versions" says={<>{theirs.updatedBy} saved this draft <Ago at={theirs.updatedAt} />, while you were changing it. Both versions are kept in the history.</>}>
      <Side title={`What ${theirs.updatedBy} changed`} base={base} text={theirs.source} />
      <Side title="What you changed" base={base} text={mine} />
      {"clashes" in merged && <p className={styles.wrong}>Both changed line {merged.clashes[0]?.line}: choose one version.</p>}
      <div className={styles.ways}>
        <button
          type="button"
          className={styles.primary}
          disabled={busy || "clashes" in merged}
          onClick={() =>
            void act(() => {
              if ("text" in merged) store.getState().write(merged.text, "Both versions were merged", null);
              return saver.keepMine();
            })
          }
        >
          Merge both
        </button>
        <button type="button" className={styles.small} disabled={busy} onClick={() => void act(() => saver.keepMine())}>
          Keep mine
        </button>
        <button type="button" className={styles.small} disabled={busy} onClick={() => void act(() => saver.takeOver(theirs))}>
          Take theirs
        </button>
      </div>
    </Panel>
  );
}

function Side({ title, base, text }: { title: string; base: string; text: string }) {
  const changes = hunks(base, text);
  const lines = base.split("\n");
  return (
    <section>
      <h3 className={styles.section}>{title}</h3>
      {changes.length === 0 && <p className={styles.text}>Only places on the canvas or pinned data.</p>}
      <div className={styles.diff}>
        {changes.map((change) => (
          <pre key={change.from}>
            {lines.slice(change.from, change.to).map((line, at) => (
              <del key={`d${change.from + at}`}>{`− ${line}\n`}</del>
            ))}
            {change.lines.map((line, at) => (
              <ins key={`i${change.from}-${at}`}>{`+ ${line}\n`}</ins>
            ))}
          </pre>
        ))}
      </div>
    </section>
  );
}
