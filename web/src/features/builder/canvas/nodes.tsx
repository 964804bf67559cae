import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { AlertTriangle, CirclePlay, CircleX, Flag, Pin, Plus, Split } from "lucide-react";
import { type CSSProperties, memo, useEffect, useRef } from "react";
import type { EmptyNode, EndNode, FlowNode, FrameNode, StartNode, StepNode, TriggerNode } from "../../../graph/flow";
import { formatDuration } from "../../../ui/format";
import { stateOf } from "../../../ui/states";
import { Icon } from "../../../ui/Icon";
import { groupOf } from "../components";
import { useBuilder, useBuilderStore } from "../state";
import { triggerType } from "../triggers";
import { useStepState } from "../overlay";
import { useActions } from "./actions";
import { stepIcon, triggerIcon } from "./icons";
import styles from "./nodes.module.css";

export type CanvasNode<T extends FlowNode = FlowNode> = Node<{ node: T }, T["kind"]>;

/** Focus goes to the node that was selected by a key, when it is on screen. */
function useFocus(key: string) {
  const ref = useRef<HTMLButtonElement>(null);
  const selected = useBuilder((state) => state.selection.node === key);
  const { focusTick } = useActions();
  useEffect(() => {
    const moving = document.activeElement?.closest("[data-canvas]") || document.activeElement === document.body;
    if (selected && focusTick > 0 && moving) ref.current?.focus({ preventScroll: true });
  }, [selected, focusTick]);
  return { ref, selected };
}

interface CardProps {
  node: FlowNode;
  group: string;
  icon: Parameters<typeof Icon>[0]["of"];
  title: string;
  summary: string;
  /** What the picture says beside the words. */
  unseen: string;
  children?: React.ReactNode;
  data?: Record<string, string | undefined>;
}

function Card({ node, group, icon, title, summary, unseen, children, data }: CardProps) {
  const store = useBuilderStore();
  const { ref, selected } = useFocus(node.key);
  const { openInspector, first } = useActions();
  const tint = { "--group": `var(--group-${group})` } as CSSProperties;
  return (
    <>
      {node.kind !== "trigger" && node.kind !== "start" && (
        <Handle type="target" position={Position.Top} className={styles.handle} />
      )}
      <button
        ref={ref}
        type="button"
        className={styles.card}
        style={tint}
        data-node={node.key}
        data-selected={selected || undefined}
        aria-pressed={selected}
        tabIndex={selected || first === node.key ? 0 : -1}
        onFocus={() => store.getState().selection.node !== node.key && store.getState().select(node.key)}
        onClick={() => store.getState().select(node.key)}
        onDoubleClick={openInspector}
        {...data}
      >
        <span className={styles.icon}>
          <Icon of={icon} size={18} />
        </span>
        <span className={styles.words}>
          <span className={styles.title}>{title}</span>
          <span className={styles.summary}>{summary}</span>
        </span>
        {unseen && <span className={styles.unseen}>{unseen}</span>}
        {children}
      </button>
      <Handle type="source" position={Position.Bottom} className={styles.handle} />
    </>
  );
}

const StepCard = memo(function StepCard({ data: { node } }: NodeProps<CanvasNode<StepNode>>) {
  const { step } = node;
  const type = useActions().types.get(step.type);
  const worst = useBuilder((state) => worstOf(state.findings, step.id));
  const pinned = useBuilder((state) => state.history.present.state.pinned.steps?.[step.id] !== undefined);
  const run = useStepState(step.id);
  const kind = type?.title ?? (step.type || "no type yet");
  const unseen = [step.conditional ? "under a condition" : "", run?.word, worst?.words, pinned ? "pinned data" : ""].filter(Boolean);
  return (
    <Card
      node={node}
      group={groupOf(type)}
      icon={stepIcon(step.type, type?.group)}
      title={step.name}
      summary={step.summary ? `${kind} · ${step.summary}` : kind}
      unseen={unseen.join(", ")}
      data={{ "data-state": run?.kind, "data-severity": worst?.severity }}
    >
      <span className={styles.marks}>
        {step.conditional && <Icon of={Split} size={12} />}
        {pinned && <Icon of={Pin} size={12} />}
        {worst && (
          <span className={styles.finding} data-severity={worst.severity} title={worst.words}>
            <Icon of={worst.severity === "error" ? CircleX : AlertTriangle} size={14} />
          </span>
        )}
      </span>
      {run && (
        <span className={styles.run}>
          <span className={styles.state} data-kind={run.kind}>
            <Icon of={stateOf(run.status).icon} size={13} />
          </span>
          <span className={styles.time}>{run.ms === null ? run.word : formatDuration(run.ms)}</span>
        </span>
      )}
    </Card>
  );
});

const TriggerCard = memo(function TriggerCard({ data: { node } }: NodeProps<CanvasNode<TriggerNode>>) {
  const { trigger } = node;
  const title = triggerType(trigger.type)?.title ?? (trigger.type || "Trigger");
  const pinned = useBuilder((state) => (state.history.present.state.pinned.trigger ?? null) !== null);
  return (
    <Card
      node={node}
      group="start"
      icon={triggerIcon(trigger.type)}
      title={title}
      summary={trigger.summary || "Starts a run"}
      unseen={["trigger", pinned ? "pinned data" : ""].filter(Boolean).join(", ")}
    >
      <span className={styles.marks}>{pinned && <Icon of={Pin} size={12} />}</span>
    </Card>
  );
});

const StartCard = memo(function StartCard({ data: { node } }: NodeProps<CanvasNode<StartNode>>) {
  return (
    <Card node={node} group="start" icon={CirclePlay} title="Start" summary="By hand or the API" unseen="">
      <span className={styles.marks} />
    </Card>
  );
});

const EmptyLane = memo(function EmptyLane({ data: { node } }: NodeProps<CanvasNode<EmptyNode>>) {
  const { ref, selected } = useFocus(node.key);
  const { addAt, first, target } = useActions();
  const store = useBuilderStore();
  return (
    <>
      <Handle type="target" position={Position.Top} className={styles.hidden} />
      <button
        ref={ref}
        type="button"
        className={styles.empty}
        data-node={node.key}
        data-selected={selected || undefined}
        data-target={target === node.key || undefined}
        tabIndex={selected || first === node.key ? 0 : -1}
        onFocus={() => store.getState().selection.node !== node.key && store.getState().select(node.key)}
        onClick={() => addAt(node.place)}
      >
        <Icon of={Plus} size={14} /> Add a step <span className={styles.unseen}>to {node.lane.label}</span>
      </button>
      <Handle type="source" position={Position.Bottom} className={styles.hidden} />
    </>
  );
});

const EndCard = memo(function EndCard({ data: { node } }: NodeProps<CanvasNode<EndNode>>) {
  const { ref, selected } = useFocus(node.key);
  const store = useBuilderStore();
  return (
    <>
      <Handle type="target" position={Position.Top} className={styles.hidden} />
      <button
        ref={ref}
        type="button"
        className={styles.end}
        data-node={node.key}
        data-selected={selected || undefined}
        tabIndex={selected ? 0 : -1}
        onFocus={() => store.getState().selection.node !== node.key && store.getState().select(node.key)}
        onClick={() => store.getState().select(node.key)}
      >
        <Icon of={Flag} size={14} /> End
      </button>
    </>
  );
});

const Join = memo(function Join() {
  return (
    <>
      <Handle type="target" position={Position.Top} className={styles.hidden} />
      <span className={styles.join} />
      <Handle type="source" position={Position.Bottom} className={styles.hidden} />
    </>
  );
});

const Frame = memo(function Frame({ data: { node } }: NodeProps<CanvasNode<FrameNode>>) {
  return (
    <div className={styles.frame}>
      <span className={styles.frameLabel}>{node.label}</span>
    </div>
  );
});

const NO_FINDING = null;

function worstOf(findings: readonly { severity: string; step?: string; message: string }[], id: string): Worst | null {
  const mine = findings.filter((finding) => finding.step === id && finding.severity !== "info");
  const first = mine.find((finding) => finding.severity === "error") ?? mine[0];
  if (!first) return NO_FINDING;
  let worst = worsts.get(first);
  if (!worst) worsts.set(first, (worst = { severity: first.severity, words: first.message }));
  return worst;
}

interface Worst {
  severity: string;
  words: string;
}
const worsts = new WeakMap<object, Worst>();

export const nodeTypes = {
  step: StepCard,
  trigger: TriggerCard,
  start: StartCard,
  empty: EmptyLane,
  end: EndCard,
  join: Join,
  frame: Frame,
};
