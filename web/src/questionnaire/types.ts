/** The parts of a FHIR R4 Questionnaire that are asked. http://hl7.org/fhir/R4/questionnaire.html */

export type ItemType =
  | "group" | "display" | "boolean" | "decimal" | "integer" | "date" | "dateTime" | "time"
  | "string" | "text" | "url" | "choice" | "open-choice" | "attachment" | "reference" | "quantity";

export interface Coding {
  system?: string;
  code?: string;
  display?: string;
}

export interface Quantity {
  value?: number;
  unit?: string;
  system?: string;
  code?: string;
}

export interface Attachment {
  contentType?: string;
  title?: string;
  data?: string;
  url?: string;
  size?: number;
}

/** `value[x]` of an answer; one of these is there. */
export interface Answer {
  valueBoolean?: boolean;
  valueDecimal?: number;
  valueInteger?: number;
  valueDate?: string;
  valueDateTime?: string;
  valueTime?: string;
  valueString?: string;
  valueUri?: string;
  valueCoding?: Coding;
  valueQuantity?: Quantity;
  valueAttachment?: Attachment;
  valueReference?: { reference?: string; display?: string };
}

export interface Extension {
  url: string;
  [value: string]: unknown;
}

export interface Condition {
  question: string;
  operator: "exists" | "=" | "!=" | ">" | "<" | ">=" | "<=";
  [answer: string]: unknown;
}

export interface Item {
  linkId: string;
  type: ItemType;
  text?: string;
  prefix?: string;
  required?: boolean;
  repeats?: boolean;
  readOnly?: boolean;
  maxLength?: number;
  enableWhen?: Condition[];
  enableBehavior?: "all" | "any";
  answerOption?: (Answer & { initialSelected?: boolean })[];
  answerValueSet?: string;
  initial?: Answer[];
  extension?: Extension[];
  item?: Item[];
}

export interface Questionnaire {
  resourceType: "Questionnaire";
  url?: string;
  title?: string;
  language?: string;
  description?: string;
  item?: Item[];
  contained?: { resourceType: string; id?: string; [element: string]: unknown }[];
  extension?: Extension[];
}

/** An item of a QuestionnaireResponse. http://hl7.org/fhir/R4/questionnaireresponse.html */
export interface ResponseItem {
  linkId: string;
  text?: string;
  answer?: (Answer & { item?: ResponseItem[] })[];
  item?: ResponseItem[];
}

export interface QuestionnaireResponse {
  resourceType: "QuestionnaireResponse";
  questionnaire?: string;
  status: "in-progress" | "completed" | "amended";
  item?: ResponseItem[];
}

const FHIR = "http://hl7.org/fhir/StructureDefinition/";
const SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/";

export function extension(item: { extension?: Extension[] }, name: string): unknown {
  const found = item.extension?.find(({ url }) => url === FHIR + name || url === SDC + name);
  if (!found) return undefined;
  const key = Object.keys(found).find((one) => one.startsWith("value"));
  return key ? found[key] : undefined;
}
