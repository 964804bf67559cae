/** Which node lies in a direction, and which place for a step lies nearest. */
import type { Flow, FlowEdge, FlowNode } from "./flow";
import type { Place } from "./operations";

export type Direction = "up" | "down" | "left" | "right";

const SELECTABLE: ReadonlySet<FlowNode["kind"]> = new Set(["step", "trigger", "start", "empty", "end"]);
/** How much worse a sideways distance is than one in the direction. */
const ASIDE = 2;

export function isSelectable(node: FlowNode): boolean {
  return SELECTABLE.has(node.kind);
}

/** The node that one comes to from another in a direction; null when there is none. */
export function neighbour(flow: Flow, key: string | null, direction: Direction): FlowNode | null {
  const nodes = flow.nodes.filter(isSelectable);
  const from = nodes.find((node) => node.key === key);
  if (!from) return nodes[0] ?? null;
  const [x, y] = centre(from);
  let best: FlowNode | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    if (node === from) continue;
    const [dx, dy] = [centre(node)[0] - x, centre(node)[1] - y];
    const along = { up: -dy, down: dy, left: -dx, right: dx }[direction];
    const aside = direction === "up" || direction === "down" ? Math.abs(dx) : Math.abs(dy);
    if (along < 1 || (direction !== "up" && direction !== "down" && aside > along * ASIDE)) continue;
    const cost = along + ASIDE * aside;
    if (cost < least) [best, least] = [node, cost];
  }
  return best;
}

/** Where the `+` of an edge stands. */
export function plusOf(flow: Flow, edge: FlowEdge): { x: number; y: number } | null {
  const from = flow.nodes.find((node) => node.key === edge.from);
  const to = flow.nodes.find((node) => node.key === edge.to);
  return from && to ? plusBetween(from, to, edge) : null;
}

export function plusBetween(from: FlowNode, to: FlowNode, edge: FlowEdge): { x: number; y: number } {
  const [start, end] = [from.y + from.height, to.y];
  if (to.kind === "join") return { x: from.x + from.width / 2, y: start + 18 };
  if (edge.lane) return { x: to.x + to.width / 2, y: end - 16 };
  const aligned = Math.abs(centre(from)[0] - centre(to)[0]) < 1;
  return { x: to.x + to.width / 2, y: aligned ? (start + end) / 2 : end - 16 };
}

export interface Spot {
  key: string;
  place: Place;
  distance: number;
}

/** The place for a step nearest to a point: the `+` of an edge, or an empty lane. */
export function nearestSpot(flow: Flow, x: number, y: number, allowed: (place: Place) => boolean = () => true): Spot | null {
  const byKey = new Map(flow.nodes.map((node) => [node.key, node]));
  let best: Spot | null = null;
  const offer = (key: string, place: Place, at: { x: number; y: number }) => {
    const distance = Math.hypot(at.x - x, at.y - y);
    if (allowed(place) && (!best || distance < best.distance)) best = { key, place, distance };
  };
  for (const edge of flow.edges) {
    const [from, to] = [byKey.get(edge.from), byKey.get(edge.to)];
    if (edge.place && from && to) offer(edge.key, edge.place, plusBetween(from, to, edge));
  }
  for (const node of flow.nodes) {
    if (node.kind === "empty") offer(node.key, node.place, { x: centre(node)[0], y: centre(node)[1] });
  }
  return best;
}

/** Where a step goes that is added while a node is selected: after it, into it, or at the end. */
export function placeAfter(flow: Flow, key: string | null, end: Place): Place {
  const node = flow.nodes.find((one) => one.key === key);
  if (!node) return end;
  if (node.kind === "trigger" || node.kind === "start") return { list: end.list, index: 0 };
  if (node.kind === "empty") return node.place;
  if (node.kind !== "step") return end;
  const index = node.step.path[node.step.path.length - 1];
  return typeof index === "number" ? { list: node.step.path.slice(0, -1), index: index + 1 } : end;
}

function centre(node: FlowNode): [number, number] {
  return [node.x + node.width / 2, node.y + node.height / 2];
}
