import { X } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { Icon } from "../../../ui/Icon";
import { useBuilderStore } from "../state";
import styles from "./panels.module.css";

/** Stands in the place of the inspector; Escape closes it. */
export function Panel({ title, says, children }: { title: string; says?: ReactNode; children: ReactNode }) {
  const store = useBuilderStore();
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const back = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    box.current?.focus();
    return () => {
      if (!document.activeElement || document.activeElement === document.body) back?.focus();
    };
  }, []);
  return (
    <aside
      ref={box}
      className={styles.panel}
      aria-label={title}
      tabIndex={-1}
      onKeyDown={(event) => event.key === "Escape" && store.getState().open(null)}
    >
      <header className={styles.head}>
        <div>
          <h2>{title}</h2>
          {says && <p>{says}</p>}
        </div>
        <button type="button" className={styles.close} aria-label="Close" onClick={() => store.getState().open(null)}>
          <Icon of={X} size={16} />
        </button>
      </header>
      <div className={styles.body}>{children}</div>
    </aside>
  );
}
