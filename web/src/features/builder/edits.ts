/** What the palette, the keys and the canvas do to the draft, each with the words for it. */
import {
  type FlowNode,
  type Place,
  addTrigger,
  copyStep,
  insertStep,
  moveStep,
  pasteSteps,
  placeAfter,
  removeStep,
  removeTrigger,
} from "../../graph";
import type { Component } from "./components";
import type { BuilderStore } from "./state";

export function nodeOf(store: BuilderStore, key: string | null): FlowNode | undefined {
  return store.getState().picture.flow.nodes.find((node) => node.key === key);
}

export function endPlace(store: BuilderStore): Place {
  const { workflow } = store.getState().picture;
  return { list: workflow.list, index: workflow.steps.length };
}

/** Where something goes that is added now: after what is selected, else at the end. */
export function placeNow(store: BuilderStore): Place {
  const { picture, selection } = store.getState();
  return placeAfter(picture.flow, selection.node, endPlace(store));
}

export function add(store: BuilderStore, component: Component, place: Place): boolean {
  const { make } = component;
  const words = `${component.title} was added`;
  if ("trigger" in make) return store.getState().change((text) => addTrigger(text, make.trigger), words);
  return store.getState().change((text) => insertStep(text, place, make.step), words);
}

export function remove(store: BuilderStore): boolean {
  const { selection, picture, change } = store.getState();
  const node = nodeOf(store, selection.node);
  if (node?.kind === "trigger") {
    return change((text) => removeTrigger(text, node.trigger.path), "The trigger was removed");
  }
  if (node?.kind !== "step") return false;
  const nodes = picture.flow.nodes.filter((one) => one.kind === "step" || one.kind === "trigger");
  const before = nodes[nodes.findIndex((one) => one.key === node.key) - 1];
  const done = change((text) => removeStep(text, node.step.path), `${node.step.name} was removed`);
  if (done) store.getState().select(before?.key ?? null);
  return done;
}

/** `to` runs after `from`: an arrow from one node to another. */
export function connect(store: BuilderStore, from: string, to: string): boolean {
  const target = nodeOf(store, to);
  const source = nodeOf(store, from.replace(/^join:/, ""));
  if (target?.kind !== "step" || !source) {
    store.getState().say("Only steps can be connected");
    return false;
  }
  const place = placeConnected(store, source, from.startsWith("join:"));
  const words = `${target.step.name} now comes after ${titleOf(source)}`;
  return store.getState().change((text) => moveStep(text, target.step.path, place), words);
}

function placeConnected(store: BuilderStore, source: FlowNode, behind: boolean): Place {
  if (source.kind === "step" && !behind) {
    const free = source.step.lanes.find((lane) => lane.steps.length === 0);
    if (free) return { list: free.path, index: 0 };
  }
  return placeAfter(store.getState().picture.flow, source.key, endPlace(store));
}

export function moveTo(store: BuilderStore, key: string, place: Place): boolean {
  const node = nodeOf(store, key);
  if (node?.kind !== "step") return false;
  return store.getState().change((text) => moveStep(text, node.step.path, place), `${node.step.name} was moved`);
}

/** The selected step as YAML text; null when no step is selected. */
export function copied(store: BuilderStore): string | null {
  const node = nodeOf(store, store.getState().selection.node);
  return node?.kind === "step" ? copyStep(store.getState().draft().text, node.step.path) : null;
}

export function paste(store: BuilderStore, text: string): boolean {
  const place = placeNow(store);
  return store.getState().change((now) => pasteSteps(now, place, text), "Pasted");
}

export function titleOf(node: FlowNode): string {
  switch (node.kind) {
    case "step":
      return node.step.name;
    case "empty":
      return node.lane.label;
    case "end":
      return "the end";
    default:
      return "the start";
  }
}
