import { expect, it } from "vitest";
import { grown, textOf } from "./talk";

it("words grow, and begin anew with the next attempt or answer", () => {
  const one = grown(grown(undefined, { taskId: "t", text: "The " }), { taskId: "t", text: "weight" });
  expect(one.text).toBe("The weight");
  expect(grown(one, { taskId: "t", attempt: 2, text: "A" }).text).toBe("A");
  expect(grown(one, { taskId: "u", text: "B" }).text).toBe("B");
});

it("what is no text is shown as it is", () => expect([textOf("a"), textOf({ a: 1 }), textOf(null)]).toEqual(["a", '{"a":1}', ""]));
