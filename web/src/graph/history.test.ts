import { expect, it } from "vitest";
import { stretch } from "./difference";
import { LONGEST, begin, record, redo, undo } from "./history";

it("goes back and forth, and forgets the future when something new is done", () => {
  let history = begin("a");
  history = record(history, "b", "One", null, 0);
  history = record(history, "c", "Two", null, 1);
  expect(undo(undo(undo(history))).present.state).toBe("a");
  expect(redo(redo(undo(undo(history)))).present.state).toBe("c");
  expect(redo(history).present.state).toBe("c");
  expect(redo(record(undo(history), "d", "Three", null, 2)).present.state).toBe("d");
});

it("takes quick changes of one kind as one step, and slow ones apart", () => {
  let history = begin("");
  history = record(history, "h", "Type", "yaml", 0);
  history = record(history, "ha", "Type", "yaml", 500);
  expect(undo(history).present.state).toBe("");
  history = record(history, "hal", "Type", "yaml", 5_000);
  expect(undo(history).present.state).toBe("ha");
  history = record(history, "halt", "Name", "name", 5_100);
  expect(undo(history).present.state).toBe("hal");
});

it("keeps a bounded past", () => {
  let history = begin(0);
  for (let at = 1; at < LONGEST + 50; at += 1) history = record(history, at, "Count", null, at);
  expect(history.past).toHaveLength(LONGEST);
});

it("finds the one stretch that changed", () => {
  expect(stretch("abc", "abc")).toBeNull();
  expect(stretch("abcd", "abXd")).toEqual({ from: 2, to: 3, insert: "X" });
  expect(stretch("aa", "aaa")).toEqual({ from: 2, to: 2, insert: "a" });
  expect(stretch("", "x")).toEqual({ from: 0, to: 0, insert: "x" });
});
