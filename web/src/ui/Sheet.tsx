import { useEffect, useRef, type ReactNode } from "react";
import styles from "./Sheet.module.css";

/** A native dialog over the page, for Commands and Keys only: decisions are taken in place. Esc and
 * a press beside it close it; the focus goes back to where it was. */
export function Sheet({ label, onClose, children }: { label: string; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const node = dialog.current;
    if (!node) return;
    const before = document.activeElement;
    if (!node.open) node.showModal();
    return () => {
      node.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={styles.sheet}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className={styles.inner}>{children}</div>
    </dialog>
  );
}
