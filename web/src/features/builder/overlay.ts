/** What a run did, over the canvas: the state and the time of each step, as it happens. */
import { useEffect } from "react";
import { useLive } from "../../api/live";
import { refresh, useApi } from "../../api/queries";
import { stateOf } from "../../ui/states";
import { useBuilder, useBuilderStore } from "./state";

export interface RunStep {
  id: string;
  status: string;
  startedAt?: string | null;
  endedAt?: string | null;
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

/** Mounted once: keeps the run that is shown as it is on the server. */
export function useRunNews(): Run | undefined {
  const store = useBuilderStore();
  const run = useBuilder((state) => state.run);
  const path = `api/workflows/runs/${run ?? "none"}`;
  const { data } = useApi<Run>(path, {}, { enabled: run !== null, keep: true });
  useLive(run ? [`run:${run}`] : [], ({ kind, data: said }) => {
    if (run && (kind === "resync" || Object.values(said).includes(run))) refresh(path);
  });
  useEffect(() => {
    const steps = new Map<string, StepState>();
    for (const step of run ? (data?.steps ?? []) : []) steps.set(step.id, stateOfStep(step));
    store.getState().set({ steps });
  }, [run, data, store]);
  return run === null ? undefined : data;
}

/** How the step with an id went; of a loop, the pass that began last. */
export function useStepState(id: string): StepState | null {
  return useBuilder((state) => state.steps.get(id) ?? null);
}

function stateOfStep(step: RunStep): StepState {
  const { kind, word } = stateOf(step.status);
  return { status: step.status, kind, word, ms: spent(step), step };
}

function spent(step: RunStep): number | null {
  if (!step.startedAt || !step.endedAt) return null;
  return Date.parse(step.endedAt) - Date.parse(step.startedAt);
}
