import { CircleAlert, CircleCheck, Info, TriangleAlert, Wrench } from "lucide-react";
import { useQuery } from "@tanstack/react-query";
import { ApiError, api } from "../../../api/client";
import { locate, read, setField, valueAt } from "../../../graph";
import { Icon } from "../../../ui/Icon";
import { type Finding, YAML_TYPE } from "../server";
import { type BuilderStore, useBuilder, useBuilderStore } from "../state";
import { Panel } from "./Panel";
import { fixesOf } from "./fixes";
import styles from "./panels.module.css";

const ICONS = { error: CircleAlert, warning: TriangleAlert, info: Info } as const;

/** What is to fix: each leads to its node and field, and is fixed at a click where that is certain. */
export function Findings() {
  const findings = useBuilder((state) => state.findings);
  const problem = useBuilder((state) => state.problem);
  if (problem) return <Broken />;
  const order = ["error", "warning", "info"];
  const sorted = findings.toSorted((one, other) => order.indexOf(one.severity) - order.indexOf(other.severity));
  return (
    <Panel title="Verification" says="What the server says before anything runs.">
      {sorted.length === 0 && (
        <p className={styles.good}>
          <Icon of={CircleCheck} size={16} /> Nothing to fix.
        </p>
      )}
      <ul className={styles.list}>
        {sorted.map((finding, at) => (
          <FindingItem key={`${finding.code}${finding.path}${at}`} finding={finding} />
        ))}
      </ul>
    </Panel>
  );
}

function FindingItem({ finding }: { finding: Finding }) {
  const store = useBuilderStore();
  const workflow = useBuilder((state) => state.picture.workflow);
  const place = locate(workflow, finding.path);
  const step = place.node === null ? undefined : workflow.byKey.get(place.node);
  const where = step?.name ?? (place.node?.startsWith("trigger") ? "Trigger" : "Workflow");
  return (
    <li className={styles.finding} data-severity={finding.severity}>
      <button type="button" className={styles.go} onClick={() => go(store, finding)}>
        <Icon of={ICONS[finding.severity]} size={15} />
        <span>
          <strong>{where}</strong>
          {place.field && <code>{place.field.replaceAll("/", ".")}</code>}
          <span className={styles.message}>{finding.message}</span>
          <span className={styles.says}>{finding.fix}</span>
        </span>
      </button>
      <span className={styles.fixes}>
        {fixesOf(finding, valueOf(store, finding)).map((fix) => (
          <button key={fix.words} type="button" className={styles.small} onClick={() => apply(store, finding, fix.value)}>
            <Icon of={Wrench} size={13} /> {fix.words}
          </button>
        ))}
      </span>
    </li>
  );
}

/** The node and the field that a finding is about are selected. */
export function go(store: BuilderStore, finding: Finding): void {
  const { picture, select, open } = store.getState();
  const place = locate(picture.workflow, finding.path);
  open(null);
  select(place.node, place.field || (place.node === null ? null : "id"));
}

function placeIn(store: BuilderStore, finding: Finding) {
  const { workflow, source } = store.getState().picture;
  const place = locate(workflow, finding.path);
  const step = place.node === null ? undefined : workflow.byKey.get(place.node);
  const trigger = workflow.triggers.find((one) => one.key === place.node);
  const at = step?.path ?? trigger?.path ?? workflow.root;
  const field = place.field === "" ? [] : place.field.split("/").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return { at, field, value: valueAt(source, [...at, ...field]) };
}

function valueOf(store: BuilderStore, finding: Finding): unknown {
  return placeIn(store, finding).value;
}

function apply(store: BuilderStore, finding: Finding, value: unknown): void {
  const { at, field } = placeIn(store, finding);
  if (field.length === 0) return;
  store.getState().change((text) => setField(text, at, field, value), `Fixed: ${finding.message}`);
}

/** The text cannot be read: where, why, and the repair that the server knows, if it does. */
function Broken() {
  const store = useBuilderStore();
  const problem = useBuilder((state) => state.problem);
  const text = useBuilder((state) => state.history.present.state.text);
  const { data: patch } = useQuery({ queryKey: ["builder-patch", text], queryFn: () => patchOf(text), staleTime: Infinity });
  if (!problem) return null;
  return (
    <Panel title="The YAML cannot be read" says="The canvas shows the last version that could be read.">
      <div className={styles.finding} data-severity="error">
        <button type="button" className={styles.go} onClick={() => store.getState().set({ yaml: true })}>
          <Icon of={CircleAlert} size={15} />
          <span>
            <strong>
              Line {problem.line}, column {problem.column}
            </strong>
            <span className={styles.message}>{problem.message}</span>
          </span>
        </button>
      </div>
      {patch && (
        <>
          <p className={styles.text}>The server has read it in the only way that makes sense:</p>
          <pre className={styles.code}>{patch}</pre>
          <button type="button" className={styles.primary} onClick={() => store.getState().write(patch, "The YAML was repaired", null)}>
            <Icon of={Wrench} size={14} /> Repair it
          </button>
        </>
      )}
    </Panel>
  );
}

async function patchOf(text: string): Promise<string | null> {
  try {
    await api.post("api/workflows/validate", text, { type: YAML_TYPE, query: { mode: "strict" } });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { patch } = (error.details ?? {}) as { patch?: unknown };
    return typeof patch === "string" && read(patch).problems.length === 0 ? patch : null;
  }
  return null;
}
