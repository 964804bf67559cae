import { X } from "lucide-react";
import { Link } from "react-router";
import { Icon } from "../../ui/Icon";
import { Status } from "../../ui/Status";
import styles from "./Builder.module.css";
import { useRunNews } from "./overlay";
import { useBuilder, useBuilderStore } from "./state";

/** Which run is drawn over the canvas, how far it is, and the way to all of it. */
export function RunBanner() {
  const store = useBuilderStore();
  const id = useBuilder((state) => state.run);
  const run = useRunNews();
  if (id === null) return null;
  const waiting = run?.steps.some((step) => step.status === "waiting") ?? false;
  return (
    <div className={styles.banner} role="status" aria-label="Test run" data-run={id} data-status={run?.status}>
      <strong>Test run</strong>
      <Status of={run?.status ?? "running"} />
      {run?.status === "failed" && <span className={styles.cause} data-cause>{run.error?.message ?? run.error?.code ?? ""}</span>}
      {waiting && run?.status !== "failed" && <Link to="/inbox">Open the inbox</Link>}
      <Link to={`/runs/${id}`}>Open the run</Link>
      <button type="button" className={styles.close} aria-label="Take the run off the canvas" onClick={() => store.getState().set({ run: null })}>
        <Icon of={X} size={14} />
      </button>
    </div>
  );
}
