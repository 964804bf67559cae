import { useEffect, type ReactNode } from "react";
import styles from "./Page.module.css";

interface Props {
  title: string;
  /** A sentence under the title. */
  says?: ReactNode;
  /** Buttons at the right of the title. */
  actions?: ReactNode;
  /** Filters in a row under the title. */
  filters?: ReactNode;
  /** The content fills the window and scrolls itself (lists, two panes). */
  full?: boolean;
  children: ReactNode;
}

/** A page of the frame: its title (also of the window), what one can do, then the content. */
export function Page({ title, says, actions, filters, full = false, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Careloom`;
  }, [title]);
  return (
    <div className={styles.page} data-full={full || undefined}>
      <header className={styles.head}>
        <div className={styles.title}>
          <h1>{title}</h1>
          {says && <p>{says}</p>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {filters && <div className={styles.filters}>{filters}</div>}
      <div className={styles.content}>{children}</div>
    </div>
  );
}
