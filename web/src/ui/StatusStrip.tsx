import { stateOf } from "./states";
import styles from "./StatusStrip.module.css";

/** The last runs as small bars, the newest at the right: height and colour both tell. */
export function StatusStrip({ of, label }: { of: readonly string[]; label: string }) {
  const words = [...new Set(of)].map((name) => {
    const count = of.filter((one) => one === name).length;
    return `${count} ${stateOf(name).word.toLowerCase()}`;
  });
  return (
    <span className={styles.strip} role="img" aria-label={`${label}: ${words.join(", ") || "none"}`}>
      {of.map((name, at) => (
        <span key={at} data-kind={stateOf(name).kind} />
      ))}
    </span>
  );
}
