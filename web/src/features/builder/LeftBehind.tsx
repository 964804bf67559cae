import { useState } from "react";
import { Ago } from "../../ui/Time";
import styles from "./Builder.module.css";
import { type Interrupted, forgetLocal } from "./local";
import { useBuilderStore } from "./state";

/** What was begun here before and did not reach the server is offered, until it is taken or dropped. */
export function LeftBehind({ left }: { left: Interrupted | null }) {
  const store = useBuilderStore();
  const [shown, setShown] = useState(left !== null);
  if (!left || !shown) return null;
  const take = (wanted: boolean) => {
    if (wanted) store.getState().replace(left.draft);
    forgetLocal(left.place);
    setShown(false);
  };
  return (
    <div className={styles.left} role="status" aria-label="Unsaved work">
      <span>
        Work from <Ago at={new Date(left.at).toISOString()} /> never reached the server.
      </span>
      <button type="button" className={styles.word} onClick={() => take(true)}>
        Take it back
      </button>
      <button type="button" className={styles.word} onClick={() => take(false)}>
        Drop it
      </button>
    </div>
  );
}
