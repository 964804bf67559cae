import { percent } from "./words";
import styles from "./evidence.module.css";

/** A share from 0 to 1 as a bar and a number: "Confidence 87 %". */
export function Share({ of, word, after }: { of: number; word: string; after?: string }) {
  return (
    <div className={styles.share}>
      <span>{word}</span>
      <div
        className={styles.track}
        role="meter"
        aria-label={word}
        aria-valuenow={Math.round(of * 100)}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <div style={{ width: `${Math.max(0, Math.min(1, of)) * 100}%` }} />
      </div>
      <strong>
        {percent(of)}
        {after && ` ${after}`}
      </strong>
    </div>
  );
}
