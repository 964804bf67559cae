/**
 * Drafts save themselves: to this browser at once, to the server a moment later, on top of the
 * revision that they were read at. Without a connection they wait here; when somebody was faster,
 * both versions are kept and shown.
 */
import { createStore } from "zustand";
import { ApiError, Unreachable } from "../../api/client";
import { same } from "../../graph";
import { forgetLocal, keepLocal } from "./local";
import type { BuilderStore, Draft } from "./state";
import { type Pinned, type StoredDraft, drafts, placesOf } from "./server";

export type Saving = "saved" | "unsaved" | "saving" | "offline" | "conflict" | "refused";

export interface Conflict {
  base: string;
  theirs: StoredDraft;
}

export interface SavingState {
  state: Saving;
  /** What the server keeps; null while nothing was changed yet. */
  stored: StoredDraft | null;
  conflict: Conflict | null;
  /** Why it was not saved. */
  reason: string | null;
}

export interface Origin {
  /** Where the local copy lies: the draft, or the address while there is none. */
  place: string;
  /** The mark tells this beginning from every other. */
  begin: (mark: string) => Promise<StoredDraft>;
}

const LOCAL_PAUSE = 100;
const SERVER_PAUSE = 700;
const AGAIN = 3_000;
const LOOK = 12_000;

export function draftOf(stored: StoredDraft): Draft {
  return { text: stored.source, moves: placesOf(stored), pinned: stored.pinned ?? {} };
}

const newMark = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");

const content = ({ text, moves, pinned }: Draft) => ({ source: text, positions: moves, pinned: sent(pinned) });

function sent({ trigger, steps }: Pinned): Pinned {
  return { trigger: trigger ?? null, steps: steps ?? {} };
}

/** Why the pinned data of a draft are not shown; null where they are. */
export function withheldOf(stored: StoredDraft | null): "hidden" | "erased" | null {
  if (stored?.pinnedHidden) return "hidden";
  return stored?.pinnedErased ? "erased" : null;
}

/** Whether the server keeps this very draft. Pinned data that it does not show, or that were erased
 * with their patient, say nothing. */
export function holds(stored: StoredDraft, draft: Draft): boolean {
  const { source, positions, pinned } = content(draft);
  if (stored.source !== source || !same(placesOf(stored), positions)) return false;
  return withheldOf(stored) !== null || same(sent(stored.pinned ?? {}), pinned);
}

/** `recovered`: what the builder shows lay in this browser; the server does not have it yet. */
export function createSaver(builder: BuilderStore, origin: Origin, first: StoredDraft | null, found: { recovered: boolean; newer: StoredDraft | null }) {
  const conflict = found.newer ? { base: found.newer.source, theirs: found.newer } : null;
  const state: Saving = conflict ? "conflict" : found.recovered ? "unsaved" : "saved";
  const store = createStore<SavingState>()(() => ({ state, stored: first, conflict, reason: null }));
  let known: Draft | null = found.recovered ? null : builder.getState().draft();
  let base = first?.source ?? builder.getState().draft().text;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let local: ReturnType<typeof setTimeout> | undefined;
  let busy: Promise<void> | null = null;
  /** What was sent and never answered: the server may have it. */
  let unanswered: Draft | null = null;
  /** The mark of a beginning that was never answered: the server may have begun. */
  let beginning: string | null = null;

  const place = () => store.getState().stored?.id ?? origin.place;
  const differs = () => builder.getState().draft() !== known;

  const keep = () => keepLocal(place(), { draft: builder.getState().draft(), revision: store.getState().stored?.revision ?? 0, at: Date.now() });

  const later = (pause: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => void save(), pause);
  };

  const taken = (stored: StoredDraft, draft: Draft) => {
    known = draft;
    unanswered = null;
    base = draft.text;
    store.setState({ stored, conflict: null, reason: null, state: differs() ? "unsaved" : "saved" });
    if (origin.place !== stored.id) forgetLocal(origin.place);
    if (differs()) later(SERVER_PAUSE);
    else {
      clearTimeout(local);
      forgetLocal(stored.id);
    }
  };

  /** The revision to go on from when the last answer was lost: one's own, if it got there. */
  const reached = async (stored: StoredDraft, lost: Draft): Promise<StoredDraft> => {
    const now = await drafts.read(stored.id);
    if (now.revision <= stored.revision) return stored;
    const number = stored.revision + 1;
    const next = now.revision === number ? now : await drafts.revision(stored.id, number);
    if (!holds(next, lost)) return stored;
    base = next.source;
    return next;
  };

  /** The draft of the server: begun once, though the answer to that may be lost. */
  const begun = async (): Promise<StoredDraft> => {
    const before = beginning === null ? null : await drafts.begun(beginning);
    beginning ??= newMark();
    const found = before ?? (await origin.begin(beginning));
    beginning = null;
    return found;
  };

  const failed = async (error: unknown, sending: Draft | null) => {
    const { stored } = store.getState();
    if (error instanceof Unreachable || (error instanceof ApiError && error.status >= 500)) {
      unanswered ??= sending;
      store.setState({ state: "offline", reason: error.message });
      return later(AGAIN);
    }
    if (error instanceof ApiError && (error.status === 409 || error.status === 412) && stored) {
      const theirs = await drafts.read(stored.id);
      return store.setState({ state: "conflict", conflict: { base, theirs }, reason: error.message });
    }
    if (error instanceof ApiError) return store.setState({ state: "refused", reason: error.message });
    throw error;
  };

  const attempt = async (over?: number) => {
    const draft = builder.getState().draft();
    let sending: Draft | null = null;
    store.setState({ state: "saving" });
    try {
      let { stored } = store.getState();
      if (!stored) {
        stored = await begun();
        if (withheldOf(stored) === null && holds(stored, draft)) return taken(stored, draft);
      }
      if (unanswered) stored = await reached(stored, unanswered);
      unanswered = null;
      store.setState({ stored });
      sending = draft;
      stored = await drafts.save(stored.id, content(draft), over ?? stored.revision);
      taken(stored, draft);
    } catch (error) {
      await failed(error, sending).catch((again: unknown) => {
        if (!(again instanceof Unreachable)) throw again;
        store.setState({ state: "offline" });
        later(AGAIN);
      });
    }
  };

  /** What is not saved yet is sent now; one at a time. */
  const save = async (over?: number): Promise<void> => {
    clearTimeout(timer);
    while (busy) await busy;
    if (store.getState().conflict && over === undefined) return;
    if (!differs() && over === undefined && store.getState().stored) return;
    busy = attempt(over).finally(() => {
      busy = null;
    });
    await busy;
  };

  const changed = () => {
    if (!differs()) return;
    if (store.getState().state !== "conflict") store.setState({ state: "unsaved" });
    clearTimeout(local);
    local = setTimeout(keep, LOCAL_PAUSE);
    if (!store.getState().conflict) later(SERVER_PAUSE);
  };

  /** What others saved meanwhile is taken over, or shown beside what is not saved here. */
  const look = async () => {
    const { stored, state } = store.getState();
    if (!stored || unanswered || state === "saving" || state === "conflict" || document.hidden) return;
    try {
      const now = await drafts.read(stored.id);
      if (now.revision <= (store.getState().stored?.revision ?? 0)) return;
      if (differs()) return store.setState({ state: "conflict", conflict: { base, theirs: now }, reason: null });
      builder.getState().replace(draftOf(now));
      builder.getState().say(`${now.updatedBy} changed this draft; you see what it is now`);
      taken(now, builder.getState().draft());
    } catch (error) {
      if (!(error instanceof Unreachable) && !(error instanceof ApiError)) throw error;
    }
  };

  const start = () => {
    let last = builder.getState().draft();
    changed();
    const stop = builder.subscribe((now) => {
      const draft = now.history.present.state;
      if (draft === last) return;
      last = draft;
      changed();
    });
    const looking = setInterval(() => void look(), LOOK);
    const seen = () => void look();
    const back = () => void save();
    const leaving = () => differs() && keep();
    addEventListener("focus", seen);
    addEventListener("online", back);
    addEventListener("pagehide", leaving);
    return () => {
      stop();
      clearInterval(looking);
      clearTimeout(timer);
      clearTimeout(local);
      if (differs()) {
        keep();
        void save();
      }
      removeEventListener("focus", seen);
      removeEventListener("online", back);
      removeEventListener("pagehide", leaving);
    };
  };

  /** The draft with all that is on the screen; what the server did not take is never gone on with. */
  const saved = async (): Promise<StoredDraft> => {
    for (let tries = 0; tries < 3; tries++) {
      await save();
      const { state, stored } = store.getState();
      if (state === "saved" && stored) return stored;
    }
    throw new Error(store.getState().reason ?? "The draft could not be saved");
  };

  return {
    store,
    start,
    save,
    saved,
    look,
    /** The draft is what the server has now: after a restore, or when theirs is taken. */
    takeOver: (stored: StoredDraft) => {
      builder.getState().replace(draftOf(stored));
      taken(stored, builder.getState().draft());
    },
    /** Mine goes on top of theirs, which stays in the history. */
    keepMine: () => {
      const { conflict } = store.getState();
      if (!conflict) return Promise.resolve();
      store.setState({ conflict: null, stored: conflict.theirs });
      return save(conflict.theirs.revision);
    },
  };
}

export type Saver = ReturnType<typeof createSaver>;
