import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, Unreachable } from "../../api/client";
import { createSaver, draftOf, holds } from "./saving";
import { drafts, type StoredDraft } from "./server";
import { createBuilder } from "./state";

/** The server: what it keeps, and whether its answers arrive. */
const server = vi.hoisted(() => ({ revisions: [] as unknown[], marks: [] as string[], line: "whole" as "whole" | "no answer" | "no way", refuses: false }));

vi.mock("./server", () => {
  const kept = () => server.revisions as StoredDraft[];
  const last = () => kept()[kept().length - 1] as StoredDraft;
  return {
    placesOf: ({ positions }: StoredDraft) => positions,
    drafts: {
      begin: async (_: unknown, mark: string) => {
        if (server.line === "no way") throw new Unreachable();
        server.marks.push(mark);
        if (server.line === "no answer") throw new Unreachable();
        return last();
      },
      begun: async (mark: string) => {
        if (server.line !== "whole") throw new Unreachable();
        return server.marks.includes(mark) ? last() : null;
      },
      read: async () => last(),
      revision: async (_: string, number: number) => kept().find((one) => one.revision === number),
      save: async (_: string, content: Partial<StoredDraft>, ifMatch: number) => {
        if (server.line === "no way") throw new Unreachable();
        if (server.refuses) throw new ApiError(413, { message: "It is too long" });
        if (ifMatch !== last().revision) throw new ApiError(409, { code: "draft_conflict", message: "Somebody was faster" });
        if (content.source !== last().source) kept().push({ ...last(), ...content, revision: ifMatch + 1 });
        if (server.line === "no answer") throw new Unreachable();
        return last();
      },
    },
  };
});

const first: StoredDraft = {
  id: "drf_1", name: null, workflowId: null, revision: 1, source: "a: 1", pinned: { trigger: null, steps: {} },
  positions: {}, basedOn: null, updatedAt: "", updatedBy: "ada",
};

function desk(stored: StoredDraft | null = first) {
  const builder = createBuilder(draftOf(first));
  const origin = { place: stored?.id ?? "new:1", begin: (mark: string) => drafts.begin({ source: first.source }, mark) };
  const saver = createSaver(builder, origin, stored, { recovered: false, newer: null });
  return { builder, saver, write: (text: string) => builder.getState().write(text, "typed", null) };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
  Object.assign(server, { revisions: [first], marks: [], line: "whole", refuses: false });
});

describe("a save of which the answer is lost", () => {
  it("is no conflict with itself", async () => {
    const { saver, write } = desk();
    write("a: 2");
    server.line = "no answer";
    await saver.save();
    expect(saver.store.getState().state).toBe("offline");
    server.line = "whole";
    await saver.save();
    expect(saver.store.getState()).toMatchObject({ state: "saved", conflict: null, stored: { revision: 2, source: "a: 2" } });
  });

  it("is none either when one has typed on", async () => {
    const { saver, write } = desk();
    write("a: 2");
    server.line = "no answer";
    await saver.save();
    write("a: 3");
    await saver.save();
    write("a: 4");
    server.line = "whole";
    await saver.save();
    expect(saver.store.getState()).toMatchObject({ state: "saved", stored: { revision: 4, source: "a: 4" } });
  });

  it("did not get there: it is sent again", async () => {
    const { saver, write } = desk();
    write("a: 2");
    server.line = "no way";
    await saver.save();
    server.line = "whole";
    await saver.save();
    expect(saver.store.getState()).toMatchObject({ state: "saved", stored: { revision: 2, source: "a: 2" } });
  });

  it("is a conflict when another person was faster", async () => {
    const { saver, write } = desk();
    write("a: 2");
    server.line = "no way";
    await saver.save();
    server.revisions.push({ ...first, revision: 2, source: "b: 1", updatedBy: "bob" });
    server.line = "whole";
    await saver.save();
    expect(saver.store.getState()).toMatchObject({ state: "conflict", conflict: { base: "a: 1", theirs: { updatedBy: "bob" } } });
  });
});

describe("a beginning of which the answer is lost", () => {
  it("is found again and not made a second time", async () => {
    const { saver, write } = desk(null);
    write("a: 2");
    server.line = "no answer";
    await saver.save();
    await saver.save();
    expect(saver.store.getState()).toMatchObject({ state: "offline", stored: null });
    server.line = "whole";
    await saver.save();
    expect(server.marks).toHaveLength(1);
    expect(saver.store.getState()).toMatchObject({ state: "saved", stored: { revision: 2, source: "a: 2" } });
  });

  it("did not get there: it is sent again", async () => {
    const { saver, write } = desk(null);
    write("a: 2");
    server.line = "no way";
    await saver.save();
    server.line = "whole";
    await saver.save();
    expect(server.marks).toHaveLength(1);
    expect(saver.store.getState()).toMatchObject({ state: "saved", stored: { revision: 2 } });
  });
});

it("a draft that says what it began with is not saved a second time", async () => {
  const { saver } = desk(null);
  expect(await saver.saved()).toMatchObject({ revision: 1 });
  expect(server.revisions).toHaveLength(1);
});

it("nothing goes on with a draft that the server did not take", async () => {
  const { saver, write } = desk();
  write("a: 2");
  server.refuses = true;
  await expect(saver.saved()).rejects.toThrow("It is too long");
  server.refuses = false;
  expect(await saver.saved()).toMatchObject({ revision: 2 });
});

it("a draft is what the server keeps with its places and pinned data, as far as they are shown", () => {
  const draft = { text: "a: 1", moves: {}, pinned: { steps: { x: { y: 1 } } } };
  expect(holds(first, { ...draft, pinned: {} })).toBe(true);
  expect(holds(first, draft)).toBe(false);
  expect(holds({ ...first, pinned: { steps: { x: { y: 1 } } } }, draft)).toBe(true);
  expect(holds({ ...first, pinnedHidden: true }, draft)).toBe(true);
  expect(holds({ ...first, pinnedErased: true }, draft)).toBe(true);
  expect(holds(first, { ...draft, pinned: {}, moves: { s: { x: 1, y: 0 } } })).toBe(false);
});
