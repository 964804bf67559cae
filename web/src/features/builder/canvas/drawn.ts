/** The picture as React Flow takes it; nodes that did not change are the same objects as before. */
import { Position } from "@xyflow/react";
import type { Flow, FlowEdge, FlowNode } from "../../../graph";
import type { CanvasEdge } from "./edges";
import type { CanvasNode } from "./nodes";

const nodes = new WeakMap<FlowNode, CanvasNode>();
const edges = new WeakMap<FlowEdge, CanvasEdge>();

export function drawn(
  flow: Flow,
  selected: string | null,
  dragged: { key: string; x: number; y: number } | null,
): { nodes: CanvasNode[]; edges: CanvasEdge[] } {
  const byKey = new Map(flow.nodes.map((node) => [node.key, node]));
  const shown = flow.nodes.map((node) => {
    const plain = nodeFor(node);
    if (dragged?.key === node.key) return { ...plain, position: { x: dragged.x, y: dragged.y }, zIndex: 5 };
    return selected === node.key ? { ...plain, zIndex: 4 } : plain;
  });
  const lines = flow.edges.flatMap((edge) => {
    const [from, to] = [byKey.get(edge.from), byKey.get(edge.to)];
    return from && to ? [edgeFor(edge, from, to)] : [];
  });
  return { nodes: shown, edges: lines };
}

function nodeFor(node: FlowNode): CanvasNode {
  let made = nodes.get(node);
  if (!made) {
    made = {
      id: node.key,
      type: node.kind,
      position: { x: node.x, y: node.y },
      data: { node },
      width: node.width,
      height: node.height,
      handles: handles(node),
      draggable: node.kind === "step" || node.kind === "trigger",
      connectable: node.kind !== "end" && node.kind !== "frame",
      focusable: false,
      zIndex: node.kind === "frame" ? -1 : 0,
    } as CanvasNode;
    nodes.set(node, made);
  }
  return made;
}

/** Known beforehand, so that edges are drawn without measuring anything. */
function handles(node: FlowNode) {
  const x = node.width / 2;
  const size = { width: 1, height: 1 };
  return [
    { type: "target" as const, position: Position.Top, x, y: 0, ...size },
    { type: "source" as const, position: Position.Bottom, x, y: node.height, ...size },
  ];
}

function edgeFor(edge: FlowEdge, from: FlowNode, to: FlowNode): CanvasEdge {
  let made = edges.get(edge);
  if (!made) {
    made = { id: edge.key, type: "flow", source: edge.from, target: edge.to, data: { edge, from, to }, focusable: false };
    edges.set(edge, made);
  }
  return made;
}
