/** From the server's addresses of places (`steps/check/then/tell/params/channel`) to nodes and fields. */
import type { Lane, Step, Workflow } from "./model";

export interface Spotted {
  /** The key of a node on the canvas; null where the workflow itself is meant. */
  node: string | null;
  /** The step's id, when it is one. */
  step: string | null;
  /** The field within it, as a path: `params/channel`; empty for the whole. */
  field: string;
}

export function locate(workflow: Workflow, address: string): Spotted {
  const parts = address.replace(/^\/+/, "").split("/").filter((part) => part !== "");
  if (parts[0] === "workflow") parts.shift();
  if (parts[0] === "triggers" || parts[0] === "trigger") return atTrigger(workflow, parts);
  if (parts[0] !== "steps") return { node: null, step: null, field: parts.join("/") };
  return atStep(workflow.steps, parts.slice(1)) ?? { node: null, step: null, field: parts.join("/") };
}

function atTrigger(workflow: Workflow, parts: readonly string[]): Spotted {
  const numbered = /^\d+$/.test(parts[1] ?? "");
  const trigger = workflow.triggers[numbered ? Number(parts[1]) : 0];
  return { node: trigger?.key ?? null, step: null, field: parts.slice(numbered ? 2 : 1).join("/") };
}

function atStep(steps: readonly Step[], parts: readonly string[]): Spotted | null {
  const [name = ""] = parts;
  const step = steps.find((one) => one.id === name) ?? (/^\d+$/.test(name) ? steps[Number(name)] : undefined);
  if (!step) return null;
  const rest = parts.slice(1);
  for (const lane of step.lanes) {
    const inner = insideLane(lane, rest);
    const found = inner && atStep(lane.steps, inner);
    if (found) return found;
  }
  return { node: step.key, step: step.id, field: rest.join("/") };
}

function insideLane(lane: Lane, parts: readonly string[]): readonly string[] | null {
  const key = lane.key.split("/");
  const direct = key.every((part, at) => parts[at] === part);
  if (direct && parts.length > key.length) return parts.slice(key.length);
  const name = key[key.length - 1];
  return key.length === 2 && parts[0] === name && parts.length > 1 ? parts.slice(1) : null;
}
