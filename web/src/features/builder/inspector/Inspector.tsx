import { Trash2 } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef } from "react";
import { type FlowNode, dataOf, pathText, removeBranch, setField, valueAt } from "../../../graph";
import { Icon } from "../../../ui/Icon";
import type { Schema } from "../server";
import { type BuilderState, useBuilder, useBuilderStore } from "../state";
import { triggerType } from "../triggers";
import { Field } from "./Field";
import styles from "./Inspector.module.css";
import { StepForm } from "./StepForm";
import { WORKFLOW_FIELDS } from "./engine";
import { useNames } from "./names";
import { Head, More, Remove, useFieldFindings } from "./parts";
import { isObject } from "./schema";
import { useOffers } from "./offers";

/** What is selected, as a form beside the canvas. */
export function Inspector() {
  const node = useBuilder((state) => nodeIn(state));
  const field = useBuilder((state) => state.selection.field);
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    if (field === null) return;
    const timer = setTimeout(() => goTo(box.current, field), 30);
    return () => clearTimeout(timer);
  }, [field, node?.key]);
  return (
    <aside ref={box} className={styles.inspector} aria-label="Inspector" data-inspector onKeyDown={leave}>
      {node?.kind === "step" && <StepForm key={`${pathText(node.step.path)} ${node.step.type}`} step={node.step} />}
      {node?.kind === "trigger" && <TriggerForm key={node.key} node={node} />}
      {node?.kind === "empty" && <LaneForm node={node} />}
      {node?.kind === "end" && <EndForm />}
      {(!node || node.kind === "start") && <WorkflowForm />}
    </aside>
  );
}

/** Escape in a field leads back to the node that the form is about. */
function leave(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  const node = document.querySelector<HTMLElement>("[data-canvas] [data-node][data-selected]") ?? document.querySelector<HTMLElement>("[data-canvas] [data-node]");
  if (!node) return;
  event.preventDefault();
  node.focus({ preventScroll: true });
}

function nodeIn(state: BuilderState): FlowNode | undefined {
  return state.picture.flow.nodes.find((node) => node.key === state.selection.node);
}

/** The control of a field, or of what holds it, is shown and focused. */
function goTo(box: HTMLElement | null, field: string): void {
  if (!box) return;
  for (const details of box.querySelectorAll("details")) details.open = true;
  const parts = field.split("/");
  while (parts.length > 0) {
    const place = box.querySelector(`[data-field="${CSS.escape(parts.join("/"))}"]`);
    const control = place?.querySelector<HTMLElement>("input, textarea, select, button");
    if (control) {
      control.scrollIntoView({ block: "center" });
      return control.focus();
    }
    parts.pop();
  }
  box.querySelector<HTMLElement>("input, textarea, select")?.focus();
}

function TriggerForm({ node }: { node: Extract<FlowNode, { kind: "trigger" }> }) {
  const store = useBuilderStore();
  const source = useBuilder((state) => state.picture.source);
  const data = useMemo(() => dataOf(source, node.trigger.path), [source, node.trigger.path]);
  const findings = useFieldFindings(node.key);
  const names = useNames(null);
  const offers = useOffers();
  const type = triggerType(node.trigger.type);
  const known = Object.entries(type?.input.properties ?? {});
  const needed = new Set(type?.input.required ?? []);
  const change = (path: readonly (string | number)[], value: unknown) =>
    store.getState().change((text) => setField(text, node.trigger.path, path, value), `The trigger's ${path[0]} was set`, `${node.key}:${path.join("/")}`);
  const field = ([key, schema]: [string, Schema]) => (
    <Field
      key={key}
      name={key}
      path={[key]}
      schema={schema}
      value={data[key]}
      required={needed.has(key)}
      names={names}
      offersFor={offers}
      finding={findings.get(key)}
      onChange={change}
    />
  );
  const shown = known.filter(([key]) => needed.has(key) || key in data);
  const rest = known.filter(([key]) => !needed.has(key) && !(key in data));
  return (
    <>
      <Head title={type?.title ?? "Trigger"} says={type?.says} actions={<Remove what="the trigger" />} />
      <div className={styles.fields}>{shown.map(field)}</div>
      {rest.length > 0 && <More>{rest.map(field)}</More>}
    </>
  );
}

function LaneForm({ node }: { node: Extract<FlowNode, { kind: "empty" }> }) {
  const store = useBuilderStore();
  return (
    <>
      <Head title={node.lane.label} says="Nothing is done here yet. Press / to add a step." />
      <div className={styles.fields}>
        <button
          type="button"
          className={styles.button}
          onClick={() => store.getState().change((text) => removeBranch(text, node.lane.path), `${node.lane.label} was removed`)}
        >
          <Icon of={Trash2} size={14} /> Remove “{node.lane.label}”
        </button>
      </div>
    </>
  );
}

function WorkflowForm() {
  const data = useBuilder((state) => rootOf(state));
  return (
    <>
      <Head title="Workflow" says="Select a node to see its settings." />
      <div className={styles.fields}>
        <WorkflowField name="name" schema={{ type: "string", description: "For people" }} data={data} required />
        <WorkflowField name="id" schema={{ type: "string", description: "Stands in addresses" }} data={data} />
      </div>
      <More open={Object.keys(WORKFLOW_FIELDS).some((key) => key in data)}>
        {Object.entries(WORKFLOW_FIELDS).map(([key, schema]) => (
          <WorkflowField key={key} name={key} schema={schema} data={data} />
        ))}
      </More>
    </>
  );
}

function EndForm() {
  const data = useBuilder((state) => rootOf(state));
  return (
    <>
      <Head title="End" says="What a run gives as its result, for those who started it." />
      <div className={styles.fields}>
        <WorkflowField name="output" schema={{ description: "Names and expressions" , type: "object" }} data={data} label="Result" />
      </div>
    </>
  );
}

interface WorkflowFieldProps {
  name: string;
  schema: Schema;
  data: Record<string, unknown>;
  required?: boolean;
  label?: string;
}

function WorkflowField({ name, schema, data, required = false, label }: WorkflowFieldProps) {
  const store = useBuilderStore();
  const names = useNames(null);
  const finding = useFieldFindings(null).get(name);
  return (
    <Field
      name={name}
      path={[name]}
      schema={schema}
      value={data[name]}
      required={required}
      names={name === "output" || name === "orderBy" || name === "concurrency" ? names : []}
      finding={finding}
      {...(label ? { label } : {})}
      onChange={(path, value) => {
        const { root } = store.getState().picture.workflow;
        store.getState().change((text) => setField(text, root, path, value), `The workflow's ${name} was set`, `workflow:${path.join("/")}`);
      }}
    />
  );
}

function rootOf(state: BuilderState): Record<string, unknown> {
  const { source, workflow } = state.picture;
  let data = roots.get(source);
  if (!data) {
    const value = valueAt(source, workflow.root);
    roots.set(source, (data = isObject(value) ? value : {}));
  }
  return data;
}

const roots = new WeakMap<object, Record<string, unknown>>();
