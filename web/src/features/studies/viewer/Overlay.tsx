import type { Image } from "../dicom";
import { heat, type Grid } from "../findings";
import type { Measure } from "./measure";
import styles from "./viewer.module.css";

interface Props {
  image: Image;
  /** Where a model looked. */
  grid: Grid | undefined;
  measures: readonly Measure[];
  lengthOf: (measure: Measure) => string;
  zoom: number;
}

/** What lies over the picture, in its own pixels: where the model looked, and what was measured. */
export function Overlay({ image, grid, measures, lengthOf, zoom }: Props) {
  const { columns, rows } = image;
  const unit = Math.max(columns, rows) / 400 / zoom;
  return (
    <svg className={styles.overlay} viewBox={`0 0 ${columns} ${rows}`} aria-hidden="true">
      {grid &&
        heat(grid, columns, rows).map((cell) => (
          <rect key={`${cell.x},${cell.y}`} x={cell.x} y={cell.y} width={cell.width} height={cell.height} fillOpacity={cell.share * 0.5} className={styles.heat} />
        ))}
      {measures.map((one) => (
        <g key={one.id} className={styles.measure} strokeWidth={1.5 * unit}>
          <line x1={one.from.x} y1={one.from.y} x2={one.to.x} y2={one.to.y} />
          <text x={one.to.x + 6 * unit} y={one.to.y - 6 * unit} fontSize={12 * unit}>
            {lengthOf(one)}
          </text>
        </g>
      ))}
    </svg>
  );
}
