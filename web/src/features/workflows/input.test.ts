import { describe, expect, it } from "vitest";
import { fieldsOf, triggerOf, wholeOf, words, WrongInput } from "./input";

const fields = fieldsOf({
  type: "object",
  required: ["patientId"],
  properties: {
    patientId: { type: "string" },
    dose: { type: "number", default: 5 },
    urgent: { type: "boolean" },
    side: { enum: ["left", "right"] },
    codes: { type: "array" },
  },
});

describe("the input of a run", () => {
  it("has a field for each property", () => {
    expect(fields.map(({ label, kind, required }) => [label, kind, required])).toEqual([
      ["Patient id", "text", true],
      ["Dose", "number", false],
      ["Urgent", "flag", false],
      ["Side", "choice", false],
      ["Codes", "json", false],
    ]);
    expect(fieldsOf(undefined)).toEqual([]);
  });

  it("becomes JSON of the right types, without what was left empty", () => {
    const values = { patientId: " p1 ", urgent: "true", codes: "[1, 2]" };
    expect(triggerOf(fields, values)).toEqual({ patientId: "p1", dose: 5, urgent: true, codes: [1, 2] });
  });

  it("names the field that is wrong", () => {
    expect(() => triggerOf(fields, { dose: "much" })).toThrow(new WrongInput("Dose must be a number"));
    expect(() => triggerOf(fields, { codes: "[" })).toThrow(/^Codes is not JSON/);
  });

  it("may be typed as a whole", () => {
    expect(wholeOf(" ")).toEqual({});
    expect(wholeOf('{"a": [1]}')).toEqual({ a: [1] });
    expect(() => wholeOf("[1]")).toThrow(WrongInput);
    expect(() => wholeOf("{no")).toThrow(WrongInput);
  });

  it("says names in words", () => {
    expect(["examination", "requestedBy", "patient_id", "BMI"].map(words)).toEqual([
      "Examination",
      "Requested by",
      "Patient id",
      "Bmi",
    ]);
  });
});
