/** What an address of the builder means: a draft, a workflow that is live, a template, something new. */
import { api } from "../../api/client";
import { addTrigger, NEW_WORKFLOW, same } from "../../graph";
import { type Interrupted, type LocalCopy, forgetLocal, interrupted, localCopy, placeOfNew } from "./local";
import { type Origin, draftOf, holds } from "./saving";
import { type StoredDraft, type Template, drafts } from "./server";
import type { Draft } from "./state";

export interface Opened {
  draft: Draft;
  stored: StoredDraft | null;
  origin: Origin;
  /** What was kept in this browser and is shown now, because the server had not got it. */
  recovered: boolean;
  /** A version of the server that is newer than what was kept in this browser. */
  newer: StoredDraft | null;
  /** What was begun here before and never reached the server: offered, not forced on anybody. */
  left: Interrupted | null;
  /** Opened from a template: the first run is one click away. */
  template: string | null;
}

interface Asked {
  id: string;
  draft: string | null;
  template: string | null;
  /** Begin with what happens to resources of this type. */
  resource: string | null;
}

export async function open(asked: Asked): Promise<Opened> {
  const found = await look(asked);
  const kept = localCopy(found.stored?.id ?? found.origin.place);
  if (!kept) return found;
  const known = found.stored ? holds(found.stored, kept.draft) : same(kept.draft, found.draft);
  if (known || (found.stored && (await reached(kept, found.stored)))) {
    forgetLocal(found.stored?.id ?? found.origin.place);
    return found;
  }
  const newer = found.stored && kept.revision < found.stored.revision ? found.stored : null;
  return { ...found, draft: kept.draft, recovered: true, newer };
}

/** Whether the server got what was kept here, and has moved on since. */
async function reached(kept: LocalCopy, stored: StoredDraft): Promise<boolean> {
  if (kept.revision >= stored.revision) return false;
  const next = await drafts.revision(stored.id, kept.revision + 1);
  return holds(next, kept.draft);
}

async function look({ id, draft, template, resource }: Asked): Promise<Opened> {
  const plain = { recovered: false, newer: null, left: null, template };
  if (draft !== null) return { ...plain, ...fromStored(await drafts.read(draft)) };
  if (id === "new") return { ...plain, ...(await fresh(template, resource)) };
  const [newest] = await drafts.ofWorkflow(id);
  const stored = newest ? await drafts.read(newest.id) : null;
  if (stored && !(await outrun(id, stored))) return { ...plain, ...fromStored(stored) };
  const { source } = await api.get<{ source: string }>(`api/workflows/${encodeURIComponent(id)}`);
  const origin = { place: `workflow:${id}`, begin: (mark: string) => drafts.begin({ workflow: id }, mark) };
  return { ...plain, draft: { text: source, moves: {}, pinned: {} }, stored: null, origin };
}

/** A draft in which nothing was done since it went live, and which a newer version has replaced. */
async function outrun(id: string, { basedOn, source }: StoredDraft): Promise<boolean> {
  const live = await liveVersion(id);
  if (!basedOn || !live || live.version <= basedOn.version) return false;
  const base = await api.get<{ source: string }>(`api/workflows/${encodeURIComponent(id)}/versions/${basedOn.version}`);
  return base.source === source;
}

function fromStored(stored: StoredDraft): Pick<Opened, "draft" | "stored" | "origin"> {
  return { draft: draftOf(stored), stored, origin: { place: stored.id, begin: () => drafts.read(stored.id) } };
}

async function fresh(template: string | null, resource: string | null): Promise<Pick<Opened, "draft" | "stored" | "origin" | "left">> {
  if (template === null) {
    const source = resource === null ? NEW_WORKFLOW : addTrigger(NEW_WORKFLOW, { type: "fhir", event: `${resource}.create` }).text;
    return begun("new", source, (mark) => drafts.begin({ source }, mark));
  }
  const { yaml } = await api.get<Template & { yaml: string }>(`api/templates/${encodeURIComponent(template)}`);
  return begun(`template:${template}`, yaml, (mark) => drafts.begin({ template }, mark));
}

function begun(kind: string, text: string, begin: Origin["begin"]) {
  const origin = { place: placeOfNew(kind, Date.now()), begin };
  return { draft: { text, moves: {}, pinned: {} }, stored: null, origin, left: interrupted(kind, text) };
}

/** The version of a workflow that is live; null when there is none. */
export async function liveVersion(id: string): Promise<{ version: number } | null> {
  const all = await api.get<{ id?: string; workflowId?: string; version: number }[]>("api/workflows");
  return all.find((one) => (one.id ?? one.workflowId) === id) ?? null;
}
