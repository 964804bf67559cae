import { expect, it } from "vitest";
import { leftOf } from "./tasks";

const NOW = Date.parse("2026-11-20T12:00:00Z");
it.each([
  ["2026-11-20T12:40:00Z", "40 min left", false],
  ["2026-11-20T14:05:00Z", "2 h 5 min left", false],
  ["2026-11-20T11:00:00Z", "1 h late", true],
  ["2026-11-25T12:00:00Z", "5 days left", false],
])("a task due %s has %s", (due, words, late) => expect(leftOf(due, NOW)).toEqual({ words, late }));
it("no due time has no words", () => expect(leftOf(null, NOW)).toBeUndefined());
