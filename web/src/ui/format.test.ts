import { describe, expect, it } from "vitest";
import { counted, formatAgo, formatDuration } from "./format";

describe("durations", () => {
  it.each([
    [0, "0 ms"],
    [940, "940 ms"],
    [1_000, "1 s"],
    [2_140, "2.1 s"],
    [59_400, "59 s"],
    [60_000, "1 min"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
    [90_000_000, "1 d 1 h"],
  ])("%i ms is %s", (ms, said) => expect(formatDuration(ms)).toBe(said));
});

describe("times", () => {
  const now = Date.parse("2026-01-02T12:00:00Z");
  it.each([
    ["2026-01-02T11:59:55Z", "just now"],
    ["2026-01-02T11:56:00Z", "4 min ago"],
    ["2026-01-02T14:00:00Z", "in 2 h"],
    ["2025-12-31T12:00:00Z", "2 d ago"],
  ])("%s is %s", (at, said) => expect(formatAgo(at, now)).toBe(said));
});

it("counts in words", () => {
  expect(counted(1, "run")).toBe("1 run");
  expect(counted(0, "run")).toBe("0 runs");
  expect(counted(2, "query", "queries")).toBe("2 queries");
});
