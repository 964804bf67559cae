/** What the builder asks of the server, and the shapes of its answers. */
import { api } from "../../api/client";
import { useApi } from "../../api/queries";
import type { Moves } from "../../graph";

/** JSON Schema, as far as the forms read it. */
export interface Schema {
  type?: string | readonly string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: readonly unknown[];
  const?: unknown;
  examples?: readonly unknown[];
  required?: readonly string[];
  properties?: Readonly<Record<string, Schema>>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
  /** Set by the server itself, never by who writes a workflow. */
  readOnly?: boolean;
}

export interface StepType {
  type: string;
  title: string;
  group: string;
  description: string;
  input: Schema;
  output: Schema;
  ai: boolean;
  egress?: boolean;
}

export interface Finding {
  code: string;
  severity: "error" | "warning" | "info";
  path: string;
  message: string;
  cause: string;
  fix: string;
  line?: number;
  column?: number;
  step?: string;
}

export interface Receipt {
  code: string;
  path: string;
  message: string;
  before: string;
  after: string;
  line?: number;
}

export interface Checked {
  valid: boolean;
  findings: Finding[];
  receipts: Receipt[];
}

/** What can be read in an expression, and its JSON types. */
export interface Name {
  name: string;
  type: string;
}

/** The names that one step may read; "" stands for the result of the run. */
export interface Outline {
  step: string;
  names: readonly Name[];
}

/** `POST /api/workflows/outline` for one step: docs/reference/drafts.md. */
export async function outline(definition: string, step: string, signal: AbortSignal): Promise<Outline> {
  const found = await api.post<{ names: { path: string; type: string }[] }>("api/workflows/outline", { definition, step }, { signal });
  return { step, names: found.names.map(({ path, type }) => ({ name: path, type })) };
}

export interface Pinned {
  trigger?: Record<string, unknown> | null;
  steps?: Record<string, unknown>;
}

/** A workflow in the making, as the server keeps it. */
export interface StoredDraft {
  id: string;
  name: string | null;
  workflowId: string | null;
  revision: number;
  source: string;
  pinned: Pinned;
  positions: Moves;
  basedOn: { workflowId: string; version: number } | null;
  updatedAt: string;
  updatedBy: string;
  /** There may be pinned data, and it is not for who asks. */
  pinnedHidden?: boolean;
  /** The pinned data were a patient's who is erased. */
  pinnedErased?: boolean;
}

export interface Revision {
  revision: number;
  at: string;
  by: string;
  name: string | null;
  current: boolean;
  aside: boolean;
  restoredFrom: number | null;
  publishedAs: number | null;
}

export interface Difference {
  same: boolean;
  words: string[];
  changes: { kind: string; path: string; field: string | null; before: unknown; after: unknown; words: string }[];
}

export interface Published {
  workflowId: string;
  version?: number;
  replaces: number | null;
  diff: Difference | null;
  report: Checked;
}

export interface Template {
  name: string;
  title: string;
  description: string;
  samples: string[];
}

export interface Sample {
  name: string;
  description: string;
  trigger: string;
  event: string;
}

/** One step carried out with every effect off. */
export interface Tried {
  state: string;
  input: unknown;
  output: unknown;
  would: unknown;
  needs?: string[];
  notes?: unknown[];
  error?: { code?: string; message?: string } | null;
  durationMs?: number;
}

export function tryStep(definition: string, step: string, pinned: Pinned): Promise<Tried> {
  return api.post<Tried>("api/workflows/try-step", { definition, step, pinned });
}

export interface Proposal {
  /** null where too little was said. */
  definition: string | null;
  by: "model" | "templates";
  template: string | null;
  note: string | null;
  missing: { what: string; words: string; fix: string | null }[];
}

export function describe(text: string, definition: string | null): Promise<Proposal> {
  return api.post<Proposal>("api/workflows/describe", { text, ...(definition ? { definition } : {}) }, { patience: 120_000 });
}

export function useStepTypes(): Map<string, StepType> {
  const { data } = useApi<StepType[]>("api/step-types");
  return typesOf(data);
}

const known = new WeakMap<StepType[], Map<string, StepType>>();
const NONE = new Map<string, StepType>();

function typesOf(list: StepType[] | undefined): Map<string, StepType> {
  if (!list) return NONE;
  let types = known.get(list);
  if (!types) known.set(list, (types = new Map(list.map((one) => [one.type, one]))));
  return types;
}

export const YAML_TYPE = "application/yaml";

export function check(text: string, signal: AbortSignal): Promise<Checked> {
  return api.post<Checked>("api/workflows/validate", text, { type: YAML_TYPE, signal });
}

const BEGUN = "begun:";

/** Where somebody put the steps of a draft. */
export const placesOf = ({ positions }: StoredDraft): Moves =>
  Object.fromEntries(Object.entries(positions ?? {}).filter(([key]) => !key.startsWith(BEGUN)));

export const drafts = {
  /** The mark stands among the positions of the first revision: by it the draft is found when the
   * answer is lost on the way. */
  begin: (from: { source: string } | { template: string } | { workflow: string }, mark: string) =>
    api.post<StoredDraft>("api/drafts", { ...from, positions: { [BEGUN + mark]: { x: 0, y: 0 } } }),
  /** The draft that was begun with this mark and not saved since; null when there is none. */
  begun: async (mark: string): Promise<StoredDraft | null> => {
    const newest = await api.get<Pick<StoredDraft, "id" | "revision">[]>("api/drafts", { limit: 20 });
    for (const { id, revision } of newest) {
      if (revision !== 1) continue;
      const found = await api.get<StoredDraft>(`api/drafts/${id}`);
      if (BEGUN + mark in found.positions) return found;
    }
    return null;
  },
  read: (id: string) => api.get<StoredDraft>(`api/drafts/${id}`),
  ofWorkflow: (workflow: string) => api.get<StoredDraft[]>("api/drafts", { workflow, limit: 20 }),
  save: (id: string, content: { source: string; pinned: Pinned; positions: Moves }, ifMatch: number | "*") =>
    ifMatch === "*"
      ? api.put<StoredDraft>(`api/drafts/${id}`, content, { headers: { "If-Match": "*" } })
      : api.put<StoredDraft>(`api/drafts/${id}`, content, { ifMatch }),
  revision: (id: string, number: number) => api.get<StoredDraft>(`api/drafts/${id}/history/${number}`),
  name: (id: string, number: number, name: string | null) => api.put<Revision>(`api/drafts/${id}/history/${number}`, { name }),
  restore: (id: string, revision: number) => api.post<StoredDraft>(`api/drafts/${id}/restore`, { revision }),
  publish: (id: string, order: { dryRun?: boolean; over?: number; revision?: number }) =>
    api.post<Published>(`api/drafts/${id}/publish`, order, { patience: 60_000 }),
  test: (id: string, order: { input?: unknown; sample?: string; run?: string; effects?: string }) =>
    api.post<{ runId: string }>(`api/drafts/${id}/test-run`, order),
};
