import type { StatusKind } from "./states";
import styles from "./charts.module.css";

export interface Bar {
  /** Said in the tooltip and to readers: "14:00". */
  label: string;
  /** From the bottom up. */
  parts: readonly { kind: StatusKind; value: number; word: string }[];
}

interface Props {
  bars: readonly Bar[];
  label: string;
  height?: number;
  /** Words below the first and the last bar. */
  ends?: readonly [string, string];
}

const WIDE = 10;
const GAP = 3;

/** Stacked bars as SVG; the same numbers as a table for readers. */
export function Bars({ bars, label, height = 96, ends }: Props) {
  const total = (bar: Bar) => bar.parts.reduce((sum, { value }) => sum + value, 0);
  const top = Math.max(1, ...bars.map(total));
  const width = bars.length * (WIDE + GAP);
  return (
    <figure className={styles.figure}>
      <svg
        className={styles.bars}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {bars.map((bar, at) => (
          <Stack key={bar.label} bar={bar} x={at * (WIDE + GAP)} scale={height / top} height={height} />
        ))}
      </svg>
      {ends && (
        <figcaption className={styles.ends} aria-hidden="true">
          <span>{ends[0]}</span>
          <span>{ends[1]}</span>
        </figcaption>
      )}
      <table className="for-readers">
        <caption>{label}</caption>
        <tbody>
          {bars.map((bar) => (
            <tr key={bar.label}>
              <th scope="row">{bar.label}</th>
              <td>{bar.parts.map(({ value, word }) => `${value} ${word}`).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

function Stack({ bar, x, scale, height }: { bar: Bar; x: number; scale: number; height: number }) {
  let y = height;
  return (
    <g>
      <title>{`${bar.label}: ${bar.parts.map(({ value, word }) => `${value} ${word}`).join(", ")}`}</title>
      <rect className={styles.ground} x={x} y={0} width={WIDE} height={height} />
      {bar.parts.map(({ kind, value, word }) => {
        const tall = value * scale;
        y -= tall;
        return <rect key={word} data-kind={kind} x={x} y={y} width={WIDE} height={tall} />;
      })}
    </g>
  );
}
