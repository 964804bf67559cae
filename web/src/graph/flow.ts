/**
 * The picture of a workflow: nodes with places, and edges that know what can be put on them.
 *
 * A definition is a sequence with branches that come together again, so its picture can be laid out
 * exactly, from top to bottom, in one pass: no search, the same every time, and what one adds moves
 * nothing but what stands below and beside it.
 */
import type { LaneKind } from "./language";
import type { Lane, Step, Trigger, Workflow } from "./model";
import type { Place } from "./operations";

export const NODE_WIDTH = 216;
export const NODE_HEIGHT = 64;
const GAP_Y = 44;
const LANE_GAP = 68;
const GAP_X = 36;
const JOIN = 8;
const EMPTY_WIDTH = 132;
const EMPTY_HEIGHT = 36;
const FRAME_PAD = 20;
const FRAME_HEAD = 12;

export type FlowNode = StepNode | TriggerNode | StartNode | EmptyNode | JoinNode | EndNode | FrameNode;

interface Placed {
  key: string;
  x: number;
  y: number;
  width: number;
  height: number;
}
export interface StepNode extends Placed {
  kind: "step";
  step: Step;
}
export interface TriggerNode extends Placed {
  kind: "trigger";
  trigger: Trigger;
}
/** Stands where a trigger would, when only a call of the API starts the workflow. */
export interface StartNode extends Placed {
  kind: "start";
}
/** A lane without steps. */
export interface EmptyNode extends Placed {
  kind: "empty";
  lane: Lane;
  place: Place;
}
/** Where the lanes of a step come together. */
export interface JoinNode extends Placed {
  kind: "join";
}
export interface EndNode extends Placed {
  kind: "end";
}
/** The frame around what is done for each item. */
export interface FrameNode extends Placed {
  kind: "frame";
  label: string;
}

export interface FlowEdge {
  key: string;
  from: string;
  to: string;
  kind: "next" | LaneKind;
  label: string;
  /** Where a step goes that is put on this edge; null where none can stand. */
  place: Place | null;
  /** The lane that the edge leads into. */
  lane: Lane | null;
}

export interface Flow {
  nodes: FlowNode[];
  edges: FlowEdge[];
}

/** How far a person moved a node from where it would stand, by its key. */
export type Moves = Readonly<Record<string, { x: number; y: number }>>;

interface Block {
  width: number;
  height: number;
  /** Where its line of flow runs, from its left edge. */
  middle: number;
  put: (x: number, y: number) => void;
}

export function flowOf(workflow: Workflow, moves: Moves = {}): Flow {
  const nodes: FlowNode[] = [];
  const edges: FlowEdge[] = [];
  const drawing = new Drawing(nodes, edges);
  const heads = drawing.heads(workflow.triggers);
  const body = drawing.list(workflow.steps, workflow.list, heads.keys, "", null);
  const end: EndNode = { kind: "end", key: "end", x: 0, y: 0, width: 96, height: 32 };
  const place = { list: workflow.list, index: workflow.steps.length };
  for (const from of body.open) drawing.edge(from, "end", "next", "", place, null);
  nodes.push(end);
  heads.block.put(-heads.block.middle, 0);
  const top = NODE_HEIGHT + GAP_Y;
  body.block.put(-body.block.middle, top);
  end.x = -end.width / 2;
  end.y = top + body.block.height + (body.block.height > 0 ? GAP_Y : 0);
  for (const node of nodes) {
    const moved = moves[node.key];
    if (moved) Object.assign(node, { x: node.x + moved.x, y: node.y + moved.y });
  }
  return { nodes, edges };
}

interface Drawn {
  block: Block;
  /** The nodes from which the flow goes on. */
  open: string[];
}

class Drawing {
  readonly nodes: FlowNode[];
  readonly edges: FlowEdge[];

  constructor(nodes: FlowNode[], edges: FlowEdge[]) {
    this.nodes = nodes;
    this.edges = edges;
  }

  edge(from: string, to: string, kind: FlowEdge["kind"], label: string, place: Place | null, lane: Lane | null): void {
    this.edges.push({ key: `${from}→${to}${lane ? `:${lane.key}` : ""}`, from, to, kind, label, place, lane });
  }

  heads(triggers: readonly Trigger[]): { block: Block; keys: string[] } {
    const size = { x: 0, y: 0, width: NODE_WIDTH, height: NODE_HEIGHT };
    const made: FlowNode[] =
      triggers.length > 0
        ? triggers.map((trigger) => ({ kind: "trigger", key: trigger.key, trigger, ...size }))
        : [{ kind: "start", key: "start", ...size }];
    this.nodes.push(...made);
    const block = beside(made.map((node) => nodeBlock(node)));
    return { block, keys: made.map((node) => node.key) };
  }

  /** Steps one below the other. `entry` names the nodes that lead into the first one. */
  list(steps: readonly Step[], list: Place["list"], entry: string[], label: string, lane: Lane | null): Drawn {
    let open = entry;
    const blocks: Block[] = [];
    steps.forEach((step, index) => {
      for (const from of open) {
        const leads = index === 0 ? lane : null;
        this.edge(from, step.key, leads?.kind ?? "next", index === 0 ? label : "", { list, index }, leads);
      }
      const drawn = this.step(step);
      blocks.push(drawn.block);
      open = drawn.open;
    });
    return { block: below(blocks, GAP_Y), open };
  }

  step(step: Step): Drawn {
    const node: StepNode = { kind: "step", key: step.key, step, x: 0, y: 0, width: NODE_WIDTH, height: NODE_HEIGHT };
    this.nodes.push(node);
    if (step.lanes.length === 0) return { block: nodeBlock(node), open: [step.key] };
    const join: JoinNode = { kind: "join", key: `join:${step.key}`, x: 0, y: 0, width: JOIN, height: JOIN };
    const plain = step.lanes.every((lane) => lane.kind === "fallback" || lane.kind === "undo");
    const lanes: Block[] = [];
    if (plain) {
      this.edge(step.key, join.key, "next", "", null, null);
      lanes.push({ width: NODE_WIDTH / 2, height: 0, middle: NODE_WIDTH / 4, put: () => undefined });
    }
    for (const lane of step.lanes) lanes.push(this.lane(step, lane, join.key));
    this.nodes.push(join);
    const middle = plain ? (lanes[0]?.middle ?? 0) : undefined;
    const body = below([nodeBlock(node), beside(lanes, middle)], LANE_GAP);
    return { block: below([body, nodeBlock(join)], GAP_Y), open: [join.key] };
  }

  private lane(step: Step, lane: Lane, join: string): Block {
    const place = { list: lane.path, index: lane.steps.length };
    const first = this.nodes.length;
    let drawn: Drawn;
    if (lane.steps.length === 0) {
      const key = `empty:${step.key}/${lane.key}`;
      const node: EmptyNode = { kind: "empty", key, lane, place, x: 0, y: 0, width: EMPTY_WIDTH, height: EMPTY_HEIGHT };
      this.nodes.push(node);
      this.edge(step.key, key, lane.kind, lane.label, null, lane);
      drawn = { block: nodeBlock(node), open: [key] };
    } else {
      drawn = this.list(lane.steps, lane.path, [step.key], lane.label, lane);
    }
    if (lane.kind !== "undo") {
      const onward = lane.steps.length === 0 ? null : place;
      for (const from of drawn.open) this.edge(from, join, lane.kind === "fallback" ? "fallback" : "next", "", onward, null);
    }
    return lane.kind === "loop" ? this.framed(step, lane, drawn.block, first) : drawn.block;
  }

  /** What is done for each item stands in a frame, drawn behind it. */
  private framed(step: Step, lane: Lane, inner: Block, at: number): Block {
    const width = inner.width + 2 * FRAME_PAD;
    const height = inner.height + 2 * FRAME_PAD + FRAME_HEAD;
    const frame: FrameNode = { kind: "frame", key: `frame:${step.key}`, label: lane.label, x: 0, y: 0, width, height };
    this.nodes.splice(at, 0, frame);
    return {
      width,
      height,
      middle: inner.middle + FRAME_PAD,
      put: (x, y) => {
        Object.assign(frame, { x, y });
        inner.put(x + FRAME_PAD, y + FRAME_PAD + FRAME_HEAD);
      },
    };
  }
}

function nodeBlock(node: FlowNode): Block {
  return {
    width: node.width,
    height: node.height,
    middle: node.width / 2,
    put: (x, y) => {
      Object.assign(node, { x, y });
    },
  };
}

function below(blocks: readonly Block[], gap: number): Block {
  const middle = Math.max(0, ...blocks.map((block) => block.middle));
  const right = Math.max(0, ...blocks.map((block) => block.width - block.middle));
  const height = blocks.reduce((sum, block) => sum + block.height, 0) + Math.max(0, blocks.length - 1) * gap;
  return {
    width: middle + right,
    height,
    middle,
    put: (x, y) => {
      let down = y;
      for (const block of blocks) {
        block.put(x + middle - block.middle, down);
        down += block.height + gap;
      }
    },
  };
}

function beside(blocks: readonly Block[], middle?: number): Block {
  const width = blocks.reduce((sum, block) => sum + block.width, 0) + Math.max(0, blocks.length - 1) * GAP_X;
  const height = Math.max(0, ...blocks.map((block) => block.height));
  return {
    width,
    height,
    middle: middle ?? width / 2,
    put: (x, y) => {
      let along = x;
      for (const block of blocks) {
        block.put(along, y);
        along += block.width + GAP_X;
      }
    },
  };
}
