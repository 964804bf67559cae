import { describe, expect, it } from "vitest";
import { linesOf } from "./server";
import { startsWords } from "./triggers";

describe("what starts a workflow", () => {
  it.each([
    [[{ type: "manual" }], "By hand or API"],
    [[{ type: "fhir", event: "Observation.create" }], "When an Observation is created"],
    [[{ type: "fhir", event: "Patient.delete" }], "When a Patient is deleted"],
    [[{ type: "dicom", event: "NewImageUploaded" }], "When an image arrives"],
    [[{ type: "webhook", path: "beds" }, { type: "manual" }], "Webhook /beds, By hand or API"],
    [[], "By hand or API"],
  ])("%j is %s", (triggers, said) => expect(startsWords(triggers)).toBe(said));
});

it("shows drafts of workflows that are not live, and no others", () => {
  const live = { id: "a", name: "A", version: 2, active: true, updatedAt: "", owner: null, triggers: [] };
  const draft = { updatedAt: "", updatedBy: "ada" };
  const lines = linesOf(
    [live],
    [
      { ...draft, id: "drf_1", name: "A", workflowId: "a" },
      { ...draft, id: "drf_2", name: "B", workflowId: null },
    ],
  );
  expect(lines.map(({ href }) => href)).toEqual(["/workflows/new?draft=drf_2", "/workflows/a"]);
});
