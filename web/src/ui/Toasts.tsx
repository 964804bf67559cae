import { X } from "lucide-react";
import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from "react";
import { Icon } from "./Icon";
import styles from "./Toasts.module.css";

export interface Toast {
  kind?: "done" | "failed" | "quiet";
  /** One action, e.g. Undo. */
  action?: { word: string; act: () => void };
}

interface Shown extends Toast {
  id: number;
  words: string;
}

const LASTS = 6_000;
const Say = createContext<(words: string, toast?: Toast) => void>(() => undefined);

/** `const say = useToast(); say("Saved")`: read aloud, gone after six seconds; failures stay. */
export const useToast = () => useContext(Say);

export function Toasts({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<Shown[]>([]);
  const next = useRef(0);
  const drop = useCallback((id: number) => setShown((all) => all.filter((one) => one.id !== id)), []);
  const say = useCallback(
    (words: string, toast: Toast = {}) => {
      const id = next.current++;
      setShown((all) => [...all.slice(-3), { ...toast, id, words }]);
      if (toast.kind !== "failed") setTimeout(() => drop(id), LASTS);
    },
    [drop],
  );
  const list = useMemo(
    () =>
      shown.map(({ id, words, kind = "quiet", action }) => (
        <li key={id} className={styles.toast} data-kind={kind}>
          <span>{words}</span>
          {action && (
            <button type="button" className={styles.action} onClick={() => (action.act(), drop(id))}>
              {action.word}
            </button>
          )}
          <button type="button" className={styles.close} aria-label="Dismiss" onClick={() => drop(id)}>
            <Icon of={X} size={14} />
          </button>
        </li>
      )),
    [shown, drop],
  );
  return (
    <Say.Provider value={say}>
      {children}
      <div role="log" aria-live="polite" aria-label="Notices">
        {list.length > 0 && <ul className={styles.list}>{list}</ul>}
      </div>
    </Say.Provider>
  );
}
