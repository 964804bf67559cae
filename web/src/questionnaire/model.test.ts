import { describe, expect, it } from "vitest";
import { begin, change, faults, fromPlain, fromResponse, isEnabled, optionsOf, toResponse, withValues, type Answers } from "./model";
import type { Item, Questionnaire } from "./types";

const FORM: Questionnaire = {
  resourceType: "Questionnaire",
  item: [
    { linkId: "smoker", type: "boolean", text: "Smoker?", required: true },
    { linkId: "packs", type: "decimal", required: true, enableWhen: [{ question: "smoker", operator: "=", answerBoolean: true }] },
    {
      linkId: "medicine", type: "group", repeats: true,
      item: [
        { linkId: "drug", type: "string", required: true },
        { linkId: "dose", type: "string", enableWhen: [{ question: "drug", operator: "exists", answerBoolean: true }] },
      ],
    },
    {
      linkId: "pain", type: "choice",
      answerOption: [{ valueCoding: { system: "s", code: "mild", display: "Mild" } }, { valueCoding: { system: "s", code: "strong" } }],
      item: [{ linkId: "where", type: "string" }],
    },
  ],
};
const items = FORM.item as Item[];
const set = (answers: Answers, linkId: string, answer: object, path: [string, number][] = []) =>
  change(answers, path, linkId, () => [{ answer, items: {} }]);

describe("answers of a form", () => {
  it("leave out what is not asked, also when it was answered before", () => {
    const asked = set(set(begin(items), "smoker", { valueBoolean: true }), "packs", { valueDecimal: 1.5 });
    expect(toResponse(FORM, asked).item).toEqual([
      { linkId: "smoker", answer: [{ valueBoolean: true }] },
      { linkId: "packs", answer: [{ valueDecimal: 1.5 }] },
    ]);
    const not = set(asked, "smoker", { valueBoolean: false });
    expect(toResponse(FORM, not).item).toEqual([{ linkId: "smoker", answer: [{ valueBoolean: false }] }]);
  });

  it("go through a response and back without change, repeats and answers below answers too", () => {
    const response = [
      { linkId: "smoker", answer: [{ valueBoolean: false }] },
      { linkId: "medicine", item: [{ linkId: "drug", answer: [{ valueString: "A" }] }, { linkId: "dose", answer: [{ valueString: "1" }] }] },
      { linkId: "medicine", item: [{ linkId: "drug", answer: [{ valueString: "B" }] }] },
      { linkId: "pain", answer: [{ valueCoding: { system: "s", code: "mild", display: "Mild" }, item: [{ linkId: "where", answer: [{ valueString: "knee" }] }] }] },
    ];
    expect(toResponse(FORM, fromResponse(items, response)).item).toEqual(response);
  });

  it("come from plain values as a model suggests them", () => {
    const answers = fromPlain(items, { smoker: true, packs: 2, pain: "mild", medicine: [{ drug: "A" }, { drug: "B", dose: "2" }] });
    const response = toResponse(FORM, answers);
    expect(response.item?.map(({ linkId }) => linkId)).toEqual(["smoker", "packs", "medicine", "medicine", "pain"]);
    expect(response.item?.at(-1)?.answer?.[0]).toEqual({ valueCoding: { system: "s", code: "mild", display: "Mild" } });
  });

  it("change one node only", () => {
    const before = fromPlain(items, { medicine: [{ drug: "A" }, { drug: "B" }] });
    const after = change(before, [["medicine", 1]], "drug", () => [{ answer: { valueString: "C" }, items: {} }]);
    expect(after.medicine?.[0]).toBe(before.medicine?.[0]);
    expect(after.smoker).toBe(before.smoker);
    expect(after.medicine?.[1]?.items.drug?.[0]?.answer).toEqual({ valueString: "C" });
  });
});

describe("enableWhen", () => {
  const item = (operator: string, answer: object, behavior?: string) =>
    ({ linkId: "x", type: "string", enableWhen: [{ question: "n", operator, ...answer }], enableBehavior: behavior }) as Item;
  const n = (answer: object): Answers => ({ n: [{ answer, items: {} }] });
  it.each([
    ["exists", { answerBoolean: true }, { valueInteger: 0 }, true],
    ["exists", { answerBoolean: false }, { valueInteger: 0 }, false],
    [">", { answerInteger: 5 }, { valueInteger: 6 }, true],
    [">", { answerInteger: 5 }, { valueInteger: 5 }, false],
    ["<=", { answerDate: "2026-01-02" }, { valueDate: "2026-01-02" }, true],
    ["=", { answerCoding: { code: "a" } }, { valueCoding: { system: "s", code: "a" } }, true],
    ["=", { answerCoding: { system: "t", code: "a" } }, { valueCoding: { system: "s", code: "a" } }, false],
    ["!=", { answerString: "a" }, { valueString: "b" }, true],
    [">=", { answerQuantity: { value: 3 } }, { valueQuantity: { value: 3, unit: "kg" } }, true],
  ])("%s %j of %j is %s", (operator, wanted, answer, holds) => expect(isEnabled(item(operator, wanted), [n(answer)])).toBe(holds));

  it("an unanswered question meets nothing but its absence", () => {
    expect(isEnabled(item("!=", { answerString: "a" }), [{ n: [] }])).toBe(false);
    expect(isEnabled(item("exists", { answerBoolean: false }), [{ n: [] }])).toBe(true);
  });

  it("looks in the same instance of a repeating group first", () => {
    const answers = fromPlain(items, { medicine: [{ drug: "A" }, {}] });
    const dose = items[2]?.item?.[1] as Item;
    const scopes = (at: number) => [answers.medicine?.[at]?.items as Answers, answers];
    expect([isEnabled(dose, scopes(0)), isEnabled(dose, scopes(1))]).toEqual([true, false]);
  });
});

it("what is missing is named by its place, only of what is asked", () => {
  const answers = fromPlain(items, { smoker: true, medicine: [{ drug: "A" }, { dose: "2" }] });
  expect([...faults(items, answers).keys()]).toEqual(["packs", "medicine[1]/drug"]);
});

it("options come from a contained value set", () => {
  const form = { ...FORM, contained: [{ resourceType: "ValueSet", id: "v", compose: { include: [{ system: "s", concept: [{ code: "a", display: "A" }] }] } }] };
  expect(optionsOf({ linkId: "q", type: "choice", answerValueSet: "#v" }, form)).toEqual([{ valueCoding: { system: "s", code: "a", display: "A" } }]);
});

it("what the server works out lands in the instance that it names", () => {
  const answers = withValues(items, fromPlain(items, { medicine: [{ drug: "A" }, { drug: "B" }] }), { packs: 3, "medicine[1]/dose": "x" });
  expect(answers.packs?.[0]?.answer).toEqual({ valueDecimal: 3 });
  expect(answers.medicine?.map((node) => node.items.dose?.[0]?.answer)).toEqual([undefined, { valueString: "x" }]);
});

it("a quantity is a number with its unit; a unit alone is no answer", () => {
  const weight: Item[] = [{ linkId: "w", type: "quantity", required: true }];
  expect(toResponse({ resourceType: "Questionnaire", item: weight }, fromPlain(weight, { w: 70 })).item).toEqual([
    { linkId: "w", answer: [{ valueQuantity: { value: 70 } }] },
  ]);
  expect([...faults(weight, { w: [{ answer: { valueQuantity: { unit: "kg" } }, items: {} }] }).values()]).toEqual(["Please answer this"]);
});
