import { percent } from "../../evidence/words";
import styles from "./evaluations.module.css";

export interface Bin {
  from: number;
  to: number;
  count: number;
  confidence: number | null;
  agreement: number | null;
}

const SIZE = 140;

/** Stated confidence against agreement: on the diagonal a model is as sure as it should be. The same
 * numbers as a table for readers. */
export function Reliability({ bins }: { bins: readonly Bin[] }) {
  const filled = bins.flatMap(({ confidence, agreement, count }) => (confidence === null || agreement === null ? [] : [{ confidence, agreement, count }]));
  const most = Math.max(1, ...filled.map(({ count }) => count));
  const points = filled.map(({ confidence, agreement }) => `${confidence * SIZE},${(1 - agreement) * SIZE}`).join(" ");
  return (
    <figure className={styles.figure}>
      <svg width={SIZE} height={SIZE} viewBox={`-6 -6 ${SIZE + 12} ${SIZE + 12}`} aria-hidden="true" className={styles.curve}>
        <rect width={SIZE} height={SIZE} />
        <line x1={0} y1={SIZE} x2={SIZE} y2={0} />
        <polyline points={points} />
        {filled.map(({ confidence, agreement, count }) => (
          <circle key={confidence} cx={confidence * SIZE} cy={(1 - agreement) * SIZE} r={3 + 3 * Math.sqrt(count / most)}>
            <title>{`${percent(confidence)} sure, ${percent(agreement)} agreed, ${count} tasks`}</title>
          </circle>
        ))}
      </svg>
      <table className="for-readers">
        <caption>Stated confidence and agreement</caption>
        <tbody>
          {filled.map(({ confidence, agreement, count }) => (
            <tr key={confidence}>
              <th scope="row">{percent(confidence)} sure</th>
              <td>{percent(agreement)} agreed</td>
              <td>{count} tasks</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
