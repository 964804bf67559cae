/** The answers to a Questionnaire while they are given. No React here.
 *
 * For each item of a level there is a list of nodes: the answers of a question, or the instances of
 * a group. What cannot be repeated has one node at most; a group that cannot, has exactly one. */
import {
  extension,
  type Answer,
  type Coding,
  type Condition,
  type Item,
  type Questionnaire,
  type QuestionnaireResponse,
  type ResponseItem,
} from "./types";

export interface Node {
  answer?: Answer;
  items: Answers;
}

export type Answers = Readonly<Record<string, readonly Node[]>>;

/** Steps from the form to a node: linkId and place in its list. */
export type Path = readonly (readonly [linkId: string, at: number])[];

const VALUE: Partial<Record<Item["type"], keyof Answer>> = {
  boolean: "valueBoolean",
  decimal: "valueDecimal",
  integer: "valueInteger",
  date: "valueDate",
  dateTime: "valueDateTime",
  time: "valueTime",
  string: "valueString",
  text: "valueString",
  url: "valueUri",
  choice: "valueCoding",
  "open-choice": "valueCoding",
  attachment: "valueAttachment",
  reference: "valueReference",
  quantity: "valueQuantity",
};

export const valueKey = (item: Item): keyof Answer => VALUE[item.type] ?? "valueString";

/** What a form begins with: its `initial` answers, selected options, one instance of each group. */
export function begin(items: readonly Item[] = []): Answers {
  const answers: Record<string, Node[]> = {};
  for (const item of items) {
    if (item.type === "display") continue;
    if (item.type === "group") answers[item.linkId] = [{ items: begin(item.item) }];
    else {
      const given = item.initial ?? item.answerOption?.filter((one) => one.initialSelected).map(bare) ?? [];
      answers[item.linkId] = given.map((answer) => ({ answer, items: begin(item.item) }));
    }
  }
  return answers;
}

const bare = ({ initialSelected: _, ...answer }: Answer & { initialSelected?: boolean }): Answer => answer;

/** Change the list of nodes of one item; all others stay the very same objects. */
export function change(answers: Answers, path: Path, linkId: string, act: (nodes: readonly Node[]) => readonly Node[]): Answers {
  const [step, ...rest] = path;
  if (!step) return { ...answers, [linkId]: act(answers[linkId] ?? []) };
  const [parent, at] = step;
  const nodes = (answers[parent] ?? []).map((node, index) =>
    index === at ? { ...node, items: change(node.items, rest, linkId, act) } : node,
  );
  return { ...answers, [parent]: nodes };
}

/** Also a quantity of which only the unit was chosen. */
const isEmpty = (answer: Answer | undefined): boolean =>
  !answer ||
  (answer.valueQuantity ? answer.valueQuantity.value === undefined : Object.values(answer).every((value) => value === undefined || value === "" || value === null));

/** The answers of one question, without empty ones, where it stands. */
export const given = (nodes: readonly Node[] | undefined): Answer[] =>
  (nodes ?? []).flatMap(({ answer }) => (answer && !isEmpty(answer) ? [answer] : []));

/** Whether a question is asked now. `scopes` are the levels from the innermost to the form: a
 * question is looked for where the item stands, then further out. */
export function isEnabled(item: Item, scopes: readonly Answers[]): boolean {
  const conditions = item.enableWhen ?? [];
  if (!conditions.length) return true;
  const holds = (one: Condition) => met(one, answersOf(one.question, scopes));
  return item.enableBehavior === "any" ? conditions.some(holds) : conditions.every(holds);
}

function answersOf(linkId: string, scopes: readonly Answers[]): Answer[] {
  for (const scope of scopes) {
    const found = deep(linkId, scope);
    if (found) return found;
  }
  return [];
}

function deep(linkId: string, answers: Answers): Answer[] | undefined {
  const here = answers[linkId];
  if (here) return given(here);
  for (const nodes of Object.values(answers)) {
    const found = nodes.map((node) => deep(linkId, node.items)).filter((one) => one !== undefined);
    if (found.length) return found.flat();
  }
  return undefined;
}

function met(condition: Condition, answers: Answer[]): boolean {
  const key = Object.keys(condition).find((name) => name.startsWith("answer"));
  const wanted = key ? condition[key] : undefined;
  if (condition.operator === "exists") return (answers.length > 0) === wanted;
  return answers.some((answer) => compared(condition.operator, plain(answer), wanted));
}

export const plain = (answer: Answer): unknown => Object.values(answer).find((value) => value !== undefined);

function compared(operator: Condition["operator"], value: unknown, wanted: unknown): boolean {
  if (operator === "=") return same(value, wanted);
  if (operator === "!=") return !same(value, wanted);
  const [one, other] = [ordered(value), ordered(wanted)];
  if (one === undefined || other === undefined || typeof one !== typeof other) return false;
  if (operator === ">") return one > other;
  if (operator === "<") return one < other;
  return operator === ">=" ? one >= other : one <= other;
}

function same(value: unknown, wanted: unknown): boolean {
  if (isCoding(value) && isCoding(wanted)) {
    return value.code === wanted.code && (!value.system || !wanted.system || value.system === wanted.system);
  }
  const [one, other] = [ordered(value), ordered(wanted)];
  return one !== undefined ? one === other : JSON.stringify(value) === JSON.stringify(wanted);
}

const isCoding = (value: unknown): value is Coding => typeof value === "object" && value !== null && "code" in value && !("value" in value);

function ordered(value: unknown): number | string | boolean | undefined {
  if (typeof value === "object" && value !== null && "value" in value) return ordered((value as { value: unknown }).value);
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean" ? value : undefined;
}

/** What was answered, as a QuestionnaireResponse: of questions that are asked only. */
export function toResponse(form: Questionnaire, answers: Answers, status: QuestionnaireResponse["status"] = "completed"): QuestionnaireResponse {
  return {
    resourceType: "QuestionnaireResponse",
    ...(form.url ? { questionnaire: form.url } : {}),
    status,
    item: responseItems(form.item ?? [], answers, [answers]),
  };
}

function responseItems(items: readonly Item[], answers: Answers, scopes: readonly Answers[]): ResponseItem[] {
  return items.flatMap((item): ResponseItem[] => {
    if (item.type === "display" || !isEnabled(item, scopes)) return [];
    const nodes = answers[item.linkId] ?? [];
    const below = (node: Node) => responseItems(item.item ?? [], node.items, [node.items, ...scopes]);
    if (item.type === "group") {
      return nodes.flatMap((node) => {
        const inner = below(node);
        return inner.length ? [{ linkId: item.linkId, item: inner }] : [];
      });
    }
    const answer = nodes.flatMap((node) => {
      if (!node.answer || isEmpty(node.answer)) return [];
      const inner = below(node);
      return [{ ...node.answer, ...(inner.length ? { item: inner } : {}) }];
    });
    return answer.length ? [{ linkId: item.linkId, answer }] : [];
  });
}

/** The answers of a QuestionnaireResponse, over what the form begins with. */
export function fromResponse(items: readonly Item[] = [], response: readonly ResponseItem[] = []): Answers {
  const answers: Record<string, readonly Node[]> = { ...begin(items) };
  for (const item of items) {
    const told = response.filter(({ linkId }) => linkId === item.linkId);
    if (!told.length) {
      if (item.type !== "group" && item.type !== "display") answers[item.linkId] = [];
      continue;
    }
    answers[item.linkId] =
      item.type === "group"
        ? told.map((one) => ({ items: fromResponse(item.item, one.item) }))
        : told.flatMap(({ answer = [] }) =>
            answer.map(({ item: inner, ...value }) => ({ answer: value, items: fromResponse(item.item, inner) })),
          );
  }
  return answers;
}

/** Plain values by linkId (what a model suggests, what a draft of a program holds) as answers. A
 * repeating group is a list of objects; the questions of other groups stand beside the rest. */
export function fromPlain(items: readonly Item[] = [], data: Readonly<Record<string, unknown>> = {}): Answers {
  const answers: Record<string, readonly Node[]> = { ...begin(items) };
  for (const item of items) {
    const value = data[item.linkId];
    if (item.type === "group" && item.repeats) {
      if (Array.isArray(value)) answers[item.linkId] = value.map((one) => ({ items: fromPlain(item.item, one as Record<string, unknown>) }));
    } else if (item.type === "group") {
      answers[item.linkId] = [{ items: fromPlain(item.item, data) }];
    } else if (item.type !== "display" && value !== undefined && value !== null) {
      const list = Array.isArray(value) ? value : [value];
      answers[item.linkId] = list.map((one) => ({ answer: answerOf(item, one), items: fromPlain(item.item, data) }));
    }
  }
  return answers;
}

function answerOf(item: Item, value: unknown): Answer {
  if (item.type === "quantity" && typeof value === "number") return { valueQuantity: { value } };
  if (item.type !== "choice" && item.type !== "open-choice") return { [valueKey(item)]: value };
  if (typeof value === "object") return { valueCoding: value as Coding };
  const option = optionsOf(item).find((one) => one.valueCoding?.code === value || plain(one) === value);
  if (option) return option;
  return item.type === "choice" ? { valueCoding: { code: String(value) } } : { valueString: String(value) };
}

/** The options of a choice: its own, or those of a value set that the form contains. */
export function optionsOf(item: Item, form?: Questionnaire): Answer[] {
  if (item.answerOption?.length) return item.answerOption.map(bare);
  const id = item.answerValueSet?.startsWith("#") ? item.answerValueSet.slice(1) : undefined;
  const set = id ? form?.contained?.find((one) => one.resourceType === "ValueSet" && one.id === id) : undefined;
  return set ? codingsOf(set as ValueSet).map((valueCoding) => ({ valueCoding })) : [];
}

interface ValueSet {
  expansion?: { contains?: Coding[] };
  compose?: { include?: { system?: string; concept?: { code: string; display?: string }[] }[] };
}

function codingsOf(set: ValueSet): Coding[] {
  if (set.expansion?.contains) return set.expansion.contains.map(({ system, code, display }) => trimmed(system, code, display));
  return (set.compose?.include ?? []).flatMap(({ system, concept = [] }) => concept.map(({ code, display }) => trimmed(system, code, display)));
}

const trimmed = (system?: string, code?: string, display?: string): Coding => ({
  ...(system ? { system } : {}),
  ...(code ? { code } : {}),
  ...(display ? { display } : {}),
});

/** An option as people read it. */
export function wordOf(answer: Answer): string {
  const { valueCoding: coding, valueReference: reference, valueQuantity: quantity, valueAttachment: file } = answer;
  if (coding) return coding.display ?? coding.code ?? "";
  if (reference) return reference.display ?? reference.reference ?? "";
  if (quantity) return [quantity.value, quantity.unit ?? quantity.code].filter((one) => one !== undefined).join(" ");
  if (file) return file.title ?? "A file";
  const value = plain(answer);
  if (typeof value === "boolean") return value ? "Yes" : "No";
  return value === undefined ? "" : String(value);
}

/** What is missing or wrong before it is sent; the server judges again. Keys are places of nodes. */
export function faults(items: readonly Item[], answers: Answers, scopes: readonly Answers[] = [answers], path: Path = []): Map<string, string> {
  const found = new Map<string, string>();
  for (const item of items) {
    if (item.type === "display" || !isEnabled(item, scopes)) continue;
    const nodes = answers[item.linkId] ?? [];
    const place = placeOf(path, item.linkId);
    if (item.type !== "group") {
      const fault = faultOf(item, given(nodes));
      if (fault) found.set(place, fault);
    }
    nodes.forEach((node, at) => {
      const inner = faults(item.item ?? [], node.items, [node.items, ...scopes], [...path, [item.linkId, at]]);
      inner.forEach((fault, key) => found.set(key, fault));
    });
  }
  return found;
}

export const placeOf = (path: Path, linkId: string): string => [...path.map(([id, at]) => `${id}[${at}]`), linkId].join("/");

function faultOf(item: Item, answers: Answer[]): string | undefined {
  if (item.readOnly) return undefined;
  if (item.required && !answers.length) return "Please answer this";
  for (const answer of answers) {
    const value = plain(answer);
    if (typeof value === "string" && item.maxLength && value.length > item.maxLength) return `At most ${item.maxLength} characters`;
    const number = typeof value === "number" ? value : (answer.valueQuantity?.value ?? undefined);
    const [least, most] = [bound(item, "minValue"), bound(item, "maxValue")];
    if (number !== undefined && least !== undefined && number < least) return `At least ${least}`;
    if (number !== undefined && most !== undefined && number > most) return `At most ${most}`;
    if (item.type === "integer" && number !== undefined && !Number.isInteger(number)) return "A whole number, please";
  }
  return undefined;
}

function bound(item: Item, name: string): number | undefined {
  const value = extension(item, name);
  return typeof value === "number" ? value : undefined;
}

/** Items below, in order. */
export function* walk(items: readonly Item[] = []): Generator<Item> {
  for (const item of items) {
    yield item;
    yield* walk(item.item);
  }
}

const EXPRESSIONS = ["sdc-questionnaire-calculatedExpression", "sdc-questionnaire-initialExpression", "sdc-questionnaire-enableWhenExpression"];

/** Whether the server has something to work out while the form is filled. */
export const calculates = (form: Questionnaire): boolean =>
  [...walk(form.item)].some((item) => EXPRESSIONS.some((name) => extension(item, name) !== undefined));

export const isCalculated = (item: Item): boolean => extension(item, "sdc-questionnaire-calculatedExpression") !== undefined;

/** What the server calls the questions below a node: in a group that repeats, each instance has its
 * own names, "medicine[0]/dose". */
export const below = (name: string, item: Item, at: number): string =>
  item.type === "group" && item.repeats ? `${name}${item.linkId}[${at}]/` : name;

/** Set what the server worked out, by its names; a list fills repeats. */
export function withValues(items: readonly Item[], answers: Answers, values: Readonly<Record<string, unknown>>, name = ""): Answers {
  const next: Record<string, readonly Node[]> = { ...answers };
  for (const item of items) {
    const value = values[name + item.linkId];
    if (value !== undefined && item.type !== "group" && item.type !== "display") {
      const list = value === null ? [] : Array.isArray(value) ? value : [value];
      next[item.linkId] = list.map((one, at) => ({ answer: answerOf(item, one), items: answers[item.linkId]?.[at]?.items ?? begin(item.item) }));
    }
    if (item.item) {
      next[item.linkId] = (next[item.linkId] ?? []).map((node, at) => ({
        ...node,
        items: withValues(item.item ?? [], node.items, values, below(name, item, at)),
      }));
    }
  }
  return next;
}
