/** What a run did, over the canvas: the state and the time of each step, as it happens. */
import { useEffect, useRef } from "react";
import { useLive } from "../../api/live";
import { refresh, useApi } from "../../api/queries";
import type { Flow } from "../../graph";
import { stateOf } from "../../ui/states";
import { useBuilder, useBuilderStore } from "./state";

export interface RunStep {
  id: string;
  status: string;
  durationMs?: number | null;
  output?: unknown;
  input?: unknown;
  error?: { code?: string; message?: string } | null;
}

export interface Run {
  runId: string;
  status: string;
  steps: RunStep[];
  error?: { message?: string; code?: string } | null;
}

export interface StepState {
  status: string;
  kind: string;
  word: string;
  ms: number | null;
  step: RunStep;
}

/** At most four times a second the run is asked for again. */
const PAUSE = 250;

/** Mounted once: keeps the run that is shown as it is on the server. */
export function useRunNews(): Run | undefined {
  const store = useBuilderStore();
  const run = useBuilder((state) => state.run);
  const flow = useBuilder((state) => state.picture.flow);
  const path = `api/workflows/runs/${run ?? "none"}`;
  const { data } = useApi<Run>(path, {}, { enabled: run !== null, keep: true });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useLive(run ? [`run:${run}`] : [], ({ kind, data: said }) => {
    if (!run || (kind !== "resync" && said.runId !== run)) return;
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      refresh(path);
    }, PAUSE);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    const mine = data?.runId === run ? data : undefined;
    store.getState().set({ steps: mine ? statesOf(mine, flow) : NOTHING });
  }, [run, data, flow, store]);
  return data?.runId === run ? data : undefined;
}

const NOTHING: ReadonlyMap<string, StepState> = new Map();

/** How the step with an id went; of a loop, the pass that began last. */
export function useStepState(id: string): StepState | null {
  return useBuilder((state) => state.steps.get(id) ?? null);
}

function statesOf(run: Run, flow: Flow): ReadonlyMap<string, StepState> {
  const steps = new Map<string, StepState>();
  for (const step of run.steps) {
    const { kind, word } = stateOf(step.status);
    steps.set(step.id, { status: step.status, kind, word, ms: step.durationMs ?? null, step });
  }
  if (run.status === "running") {
    for (const id of underWay(run, flow)) {
      if (!steps.has(id)) steps.set(id, { status: "running", ...RUNNING, ms: null, step: { id, status: "running" } });
    }
  }
  return steps;
}

const { kind, word } = stateOf("running");
const RUNNING = { kind, word };
const PASSED: ReadonlySet<string> = new Set(["succeeded", "degraded", "skipped"]);

/** The server tells what ended; what comes next on the line is what is being done. */
function underWay(run: Run, flow: Flow): string[] {
  const done = new Map(run.steps.filter((step) => PASSED.has(step.status)).map((step) => [step.id, step]));
  const passed = (key: string) => key === "start" || key.startsWith("trigger:") || done.has(key.replace(/^join:/, ""));
  return flow.edges
    .filter((edge) => passed(edge.from) && (edge.lane === null || taken(done.get(edge.from), edge.lane.key)))
    .map((edge) => edge.to);
}

/** Whether an `if` or an approval went this way; other lanes are told by the server itself. */
function taken(step: RunStep | undefined, lane: string): boolean {
  const output = (step?.output ?? {}) as { result?: unknown; approved?: unknown };
  const yes = output.result ?? output.approved;
  return typeof yes === "boolean" && lane === (yes ? "then" : "else");
}
