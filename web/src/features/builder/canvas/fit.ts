/** Brings the workflow into view: all of it while it can be read, else its beginning. */
import { getViewportForBounds, useReactFlow, useStoreApi } from "@xyflow/react";
import { useCallback } from "react";
import { useBuilderStore } from "../state";

const PADDING = 0.1;
const READABLE = 0.62;
const BEGINNING_ZOOM = 0.8;
const BEGINNING_TOP = 40;

export function useFit(): () => void {
  const builder = useBuilderStore();
  const canvas = useStoreApi();
  const { setViewport } = useReactFlow();
  return useCallback(() => {
    const { width, height } = canvas.getState();
    const { nodes } = builder.getState().picture.flow;
    if (width === 0 || height === 0 || nodes.length === 0) return;
    const left = Math.min(...nodes.map((node) => node.x));
    const top = Math.min(...nodes.map((node) => node.y));
    const right = Math.max(...nodes.map((node) => node.x + node.width));
    const bottom = Math.max(...nodes.map((node) => node.y + node.height));
    const bounds = { x: left, y: top, width: right - left, height: bottom - top };
    const whole = getViewportForBounds(bounds, width, height, 0.05, 1, PADDING);
    if (whole.zoom >= READABLE) return void setViewport(whole);
    const first = nodes.find((node) => node.kind === "trigger" || node.kind === "start") ?? nodes[0];
    const middle = first ? first.x + first.width / 2 : (left + right) / 2;
    void setViewport({ x: width / 2 - middle * BEGINNING_ZOOM, y: BEGINNING_TOP - top * BEGINNING_ZOOM, zoom: BEGINNING_ZOOM });
  }, [builder, canvas, setViewport]);
}
