/** What did not change stays the same object, so that the canvas draws it no second time. */
import type { Flow, FlowNode } from "./flow";
import type { Step } from "./model";
import type { Place } from "./operations";
import { samePath } from "./path";

/** The new picture with the nodes and edges of the one before wherever nothing about them changed. */
export function kept(before: Flow, after: Flow): Flow {
  const nodes = new Map(before.nodes.map((node) => [node.key, node]));
  const edges = new Map(before.edges.map((edge) => [edge.key, edge]));
  const shown = after.nodes.map((node) => {
    const old = nodes.get(node.key);
    return old && looksAlike(old, node) ? old : node;
  });
  const same = new Set(shown.filter((node) => nodes.get(node.key) === node).map((node) => node.key));
  const lines = after.edges.map((edge) => {
    const old = edges.get(edge.key);
    const unmoved = same.has(edge.from) && same.has(edge.to);
    return old && unmoved && old.label === edge.label && old.kind === edge.kind && samePlace(old.place, edge.place) ? old : edge;
  });
  return { nodes: shown, edges: lines };
}

function looksAlike(old: FlowNode, node: FlowNode): boolean {
  if (old.kind !== node.kind || old.x !== node.x || old.y !== node.y || old.width !== node.width || old.height !== node.height) return false;
  if (old.kind === "step" && node.kind === "step") return sameStep(old.step, node.step);
  if (old.kind === "trigger" && node.kind === "trigger") {
    return old.trigger.type === node.trigger.type && old.trigger.summary === node.trigger.summary && samePath(old.trigger.path, node.trigger.path);
  }
  if (old.kind === "empty" && node.kind === "empty") return old.lane.label === node.lane.label && samePlace(old.place, node.place);
  return true;
}

/** Its lanes are looked at, too: what stands in them is moved and removed through it. */
function sameStep(old: Step, step: Step): boolean {
  return (
    old.id === step.id &&
    old.type === step.type &&
    old.name === step.name &&
    old.summary === step.summary &&
    old.conditional === step.conditional &&
    samePath(old.path, step.path) &&
    old.lanes.length === step.lanes.length &&
    old.lanes.every((lane, at) => lane.key === step.lanes[at]?.key && lane.steps.length === step.lanes[at]?.steps.length)
  );
}

function samePlace(old: Place | null, place: Place | null): boolean {
  if (old === null || place === null) return old === place;
  return old.index === place.index && samePath(old.list, place.list);
}
