import { useReactFlow, useStore } from "@xyflow/react";
import { type PointerEvent, memo, useMemo } from "react";
import type { Flow } from "../../../graph";
import styles from "./Canvas.module.css";

const WIDTH = 132;
const HEIGHT = 96;
const AROUND = 60;

interface Bounds {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The whole workflow, small: one path, however many steps it has, so that panning stays smooth. */
export function SmallMap({ flow }: { flow: Flow }) {
  const { setCenter, getZoom } = useReactFlow();
  const bounds = useMemo(() => boundsOf(flow), [flow]);
  const go = (event: PointerEvent<SVGSVGElement>) => {
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    const x = bounds.x + ((event.clientX - box.left) / box.width) * bounds.width;
    const y = bounds.y + ((event.clientY - box.top) / box.height) * bounds.height;
    void setCenter(x, y, { zoom: getZoom() });
  };
  const box = `${bounds.x} ${bounds.y} ${bounds.width} ${bounds.height}`;
  return (
    <svg className={styles.map} width={WIDTH} height={HEIGHT} viewBox={box} role="img" aria-label="Small map of the workflow" onPointerDown={go} onPointerMove={go}>
      <Nodes flow={flow} />
      <View />
    </svg>
  );
}

const Nodes = memo(function Nodes({ flow }: { flow: Flow }) {
  const path = flow.nodes
    .filter((node) => node.kind !== "frame" && node.kind !== "join")
    .map((node) => `M${node.x},${node.y}h${node.width}v${node.height}h${-node.width}z`)
    .join("");
  return <path d={path} className={styles.mapNodes} />;
});

function View() {
  const x = useStore((state) => -state.transform[0] / state.transform[2]);
  const y = useStore((state) => -state.transform[1] / state.transform[2]);
  const width = useStore((state) => state.width / state.transform[2]);
  const height = useStore((state) => state.height / state.transform[2]);
  return <rect x={x} y={y} width={width} height={height} className={styles.mapView} />;
}

/** All nodes with room around them, in the shape of the map. */
function boundsOf(flow: Flow): Bounds {
  const left = Math.min(...flow.nodes.map((node) => node.x)) - AROUND;
  const top = Math.min(...flow.nodes.map((node) => node.y)) - AROUND;
  const right = Math.max(...flow.nodes.map((node) => node.x + node.width)) + AROUND;
  const bottom = Math.max(...flow.nodes.map((node) => node.y + node.height)) + AROUND;
  const scale = Math.max((right - left) / WIDTH, (bottom - top) / HEIGHT);
  const [width, height] = [WIDTH * scale, HEIGHT * scale];
  return { x: (left + right - width) / 2, y: (top + bottom - height) / 2, width, height };
}
