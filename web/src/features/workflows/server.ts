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
  name: string;
  title: string;
  description: string;
}

/** Something begun that is not live yet. */
export interface Draft {
  id: string;
  name: string;
  workflowId: string | null;
  updatedAt: string;
  updatedBy: string | null;
}

/** A line of the page: a live workflow, or a draft of one that is not live yet. */
export interface Line {
  id: string;
  name: string;
  href: string;
  isDraft: boolean;
  active: boolean;
  triggers: readonly Trigger[];
  owner: string | null;
  version: number | null;
  updatedAt: string;
}

/** Drafts of workflows that are live open with their workflow; the others stand on top. */
export function linesOf(workflows: readonly WorkflowSummary[], drafts: readonly Draft[]): Line[] {
  const live = new Set(workflows.map(({ id }) => id));
  const begun = drafts.filter(({ workflowId }) => workflowId === null || !live.has(workflowId));
  return [
    ...begun.map(({ id, name, updatedAt, updatedBy }) => ({
      id,
      name,
      href: `/workflows/new?draft=${encodeURIComponent(id)}`,
      isDraft: true,
      active: true,
      triggers: [],
      owner: updatedBy,
      version: null,
      updatedAt,
    })),
    ...workflows.map((one) => ({ ...one, href: `/workflows/${encodeURIComponent(one.id)}`, isDraft: false })),
  ];
}

interface Schedule {
  workflowId: string;
  next: string[];
  paused?: boolean;
}

/** What became of its last runs, the oldest first. */
export type LastRuns = ReadonlyMap<string, readonly string[]>;

export const useWorkflows = () => useApi<WorkflowSummary[]>("api/workflows");

export const useDrafts = () => useApi<Draft[]>("api/drafts");

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
