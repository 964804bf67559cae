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

/** How its runs go: the last 20, the oldest first, and of the last day their median. */
export interface Figures {
  id: string;
  last: { runId: string; status: string }[];
  p50Ms: number | null;
  nextFire: string | null;
}

export const useWorkflows = () => useApi<WorkflowSummary[]>("api/workflows");

export const useDrafts = () => useApi<Draft[]>("api/drafts");

export const useTemplates = (enabled: boolean) => useApi<Template[]>("api/templates", {}, { enabled });

export function useFigures(): ReadonlyMap<string, Figures> {
  const { data } = useApi<{ workflows: Figures[] }>("api/analytics/runs");
  return new Map(data?.workflows.map((one) => [one.id, one]));
}
