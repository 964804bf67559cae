import uPlot, { type AlignedData, type Options } from "uplot";
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "react";
import { useTheme } from "../app/theme";
import styles from "./charts.module.css";

/** A colour of theme.css as the browser resolves it now: "var(--done)" cannot be drawn on a canvas. */
export const token = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

interface Props {
  /** Made anew when the theme changes: call token("--done") inside. Width is the place's. */
  options: () => Omit<Options, "width">;
  data: AlignedData;
  label: string;
}

/** uPlot in its place. It is a picture to readers: say the numbers beside it, too. */
export function Chart({ options, data, label }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const theme = useTheme();
  const now = useRef({ options, data });
  now.current = { options, data };
  useEffect(() => {
    const node = place.current;
    if (!node) return;
    const made = new uPlot({ ...now.current.options(), width: node.clientWidth }, now.current.data, node);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: node.clientWidth, height: made.height }));
    watch.observe(node);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={place} className={styles.chart} role="img" aria-label={label} />;
}
