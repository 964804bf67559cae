import { useQuery } from "@tanstack/react-query";
import { api } from "../../api/client";
import { useApi } from "../../api/queries";

export interface Trigger {
  type: string;
  event?: string;
  cron?: string;
  timezone?: string;
  path?: string;
}

export interface WorkflowSummary {
  id: string;
  name: string;
  version: number;
  active: boolean;
  updatedAt: string;
  owner: string | null;
  triggers: Trigger[];
}

export interface Template {
  id: string;
  name: string;
  description: string;
}

interface Schedule {
  workflowId: string;
  next: string[];
  paused?: boolean;
}

/** What became of its last runs, the oldest first. */
export type LastRuns = ReadonlyMap<string, readonly string[]>;

export const useWorkflows = () => useApi<WorkflowSummary[]>("api/workflows");

export const useTemplates = (enabled: boolean) => useApi<Template[]>("api/templates", {}, { enabled });

export function useNextTimes(): ReadonlyMap<string, string> {
  const { data } = useApi<Schedule[]>("api/schedules");
  const next = new Map<string, string>();
  for (const { workflowId, next: [first], paused } of data ?? []) {
    const known = next.get(workflowId);
    if (first && !paused && (!known || first < known)) next.set(workflowId, first);
  }
  return next;
}

interface Run {
  workflowId: string;
  status: string;
}

const LOOKED_AT = 500;
const SHOWN = 20;

export function useLastRuns(): LastRuns {
  const { data } = useQuery({
    queryKey: ["api/workflows/runs", { limit: LOOKED_AT }],
    queryFn: ({ signal }) => api.get<Run[]>("api/workflows/runs", { limit: LOOKED_AT }, { signal }),
  });
  return lastOf(data ?? []);
}

/** Runs come newest first; each strip is read from left to right. */
export function lastOf(runs: readonly Run[]): LastRuns {
  const last = new Map<string, string[]>();
  for (const { workflowId, status } of runs) {
    const strip = last.get(workflowId) ?? [];
    if (strip.length < SHOWN) strip.unshift(status);
    last.set(workflowId, strip);
  }
  return last;
}
