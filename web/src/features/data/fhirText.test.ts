import { describe, expect, it } from "vitest";
import { said, subjectOf, titleOf, valueOf, whenOf } from "./fhirText";

describe("FHIR in a line", () => {
  it.each([
    [{ family: "Rossi", given: ["Ada", "Maria"] }, "Rossi, Ada Maria"],
    [{ coding: [{ code: "8867-4", display: "Heart rate" }] }, "Heart rate"],
    [{ text: "Heart rate", coding: [] }, "Heart rate"],
    [{ value: 81, unit: "/min" }, "81 /min"],
    [{ value: 3, comparator: "<", code: "mg" }, "< 3 mg"],
    [{ start: "2026-01-01" }, "2026-01-01 to …"],
    [{ reference: "Patient/1" }, "Patient/1"],
    [{ line: ["1 Main St"], city: "Bern" }, "1 Main St, Bern"],
    [[{ system: "s", code: "a" }, { system: "s", code: "b", display: "B" }], "a, B"],
  ])("%j", (value, text) => expect(said(value)).toBe(text));

  it("finds what a resource is, its value, its time and whom it is about", () => {
    const observation = {
      resourceType: "Observation", id: "1", code: { text: "Weight" }, valueQuantity: { value: 70, unit: "kg" },
      effectiveDateTime: "2026-11-20", subject: { reference: "Patient/7" },
    };
    expect([titleOf(observation), valueOf(observation), whenOf(observation), subjectOf(observation)]).toEqual(
      ["Weight", "70 kg", "2026-11-20", "Patient/7"],
    );
  });

  it("leaves what has no short form to the JSON", () => expect(said({ div: "<div/>" })).toBe(""));
});
