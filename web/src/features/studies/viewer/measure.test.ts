import { expect, it } from "vitest";
import { lengthOf } from "./measure";

const line = { from: { x: 0, y: 0 }, to: { x: 30, y: 40 } };

it("a length is in millimetres of rows and columns, and says when it is only on the detector", () => {
  expect(lengthOf(line, { row: 1, column: 1, projected: false })).toBe("50.0 mm");
  expect(lengthOf(line, { row: 0.5, column: 2, projected: false })).toBe("63.2 mm");
  expect(lengthOf(line, { row: 0.1, column: 0.1, projected: true })).toBe("5.0 mm on the detector");
});

it("without a stated spacing it is in pixels, never guessed", () => {
  expect(lengthOf(line, undefined)).toBe("50 px");
});
