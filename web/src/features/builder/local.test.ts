import { beforeEach, expect, test, vi } from "vitest";
import { forgetLocal, interrupted, keepLocal, localCopy, placeOfNew } from "./local";

/** As a browser keeps it: its keys are its own properties. */
class Kept {
  getItem(key: string): string | null {
    return (this as unknown as Record<string, string>)[key] ?? null;
  }
  setItem(key: string, value: string): void {
    (this as unknown as Record<string, string>)[key] = value;
  }
  removeItem(key: string): void {
    delete (this as unknown as Record<string, string>)[key];
  }
}

const copy = (text: string, at: number) => ({ draft: { text, moves: {}, pinned: {} }, revision: 0, at });

beforeEach(() => vi.stubGlobal("localStorage", new Kept()));

test("nothing is offered where nothing was interrupted", () => {
  expect(interrupted("new", "begun")).toBeNull();
  keepLocal("new:a", copy("begun", 1));
  expect(interrupted("new", "begun")).toBeNull();
});

test("the last interrupted beginning of its kind is offered until it is forgotten", () => {
  keepLocal("new:a", copy("older", 1));
  keepLocal("new:b", copy("newer", 2));
  keepLocal("template:triage:c", copy("of a template", 3));
  keepLocal("drf_1", copy("of a draft", 4));
  expect(interrupted("new", "begun")?.draft.text).toBe("newer");
  expect(interrupted("template:triage", "begun")?.place).toBe("template:triage:c");
  forgetLocal("new:b");
  expect(interrupted("new", "begun")?.draft.text).toBe("older");
});

test("what cannot be read is no copy", () => {
  localStorage.setItem("careloom.draft.new:x", "{");
  expect(interrupted("new", "begun")).toBeNull();
  expect(localCopy("new:x")).toBeNull();
});

test("each beginning has a place of its own", () => {
  expect(placeOfNew("new", 1)).not.toBe(placeOfNew("new", 2));
});
