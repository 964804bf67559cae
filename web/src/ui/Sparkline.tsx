import styles from "./charts.module.css";

interface Props {
  values: readonly number[];
  label: string;
  width?: number;
  height?: number;
}

export function Sparkline({ values, label, width = 96, height = 24 }: Props) {
  const top = Math.max(...values, 1);
  const step = values.length > 1 ? (width - 2) / (values.length - 1) : 0;
  const points = values.map((value, at) => `${1 + at * step},${height - 1 - (value / top) * (height - 2)}`);
  return (
    <svg className={styles.spark} role="img" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
      <polyline points={points.join(" ")} />
    </svg>
  );
}
