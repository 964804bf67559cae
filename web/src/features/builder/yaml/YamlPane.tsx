import { CircleAlert } from "lucide-react";
import { Suspense, lazy } from "react";
import { Icon } from "../../../ui/Icon";
import { Loading } from "../../../ui/Loading";
import { useBuilder, useBuilderStore } from "../state";
import styles from "./YamlPane.module.css";

const Editor = lazy(() => import("./Editor"));

/** The text beside the canvas; while it cannot be read, it says where. */
export function YamlPane() {
  const store = useBuilderStore();
  const problem = useBuilder((state) => state.problem);
  return (
    <section className={styles.pane} aria-label="YAML">
      {problem && (
        <div className={styles.problem} role="alert">
          <Icon of={CircleAlert} size={15} />
          <span>
            Line {problem.line}, column {problem.column}: {problem.message}
          </span>
          <button type="button" onClick={() => store.getState().open("findings")}>
            Help
          </button>
        </div>
      )}
      <div className={styles.editor}>
        <Suspense fallback={<Loading what="the editor" />}>
          <Editor />
        </Suspense>
      </div>
    </section>
  );
}
