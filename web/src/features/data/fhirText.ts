/** FHIR data types in a line of plain text. http://hl7.org/fhir/R4/datatypes.html */

type Facts = Record<string, unknown>;

const isFacts = (value: unknown): value is Facts => value !== null && typeof value === "object" && !Array.isArray(value);
const words = (value: unknown): string => (typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "");
const joined = (parts: unknown[], by = " "): string => parts.map(words).filter(Boolean).join(by);

/** A value as text; empty for what has no short form. */
export function said(value: unknown): string {
  if (Array.isArray(value)) return value.map(said).filter(Boolean).join(", ");
  if (!isFacts(value)) return words(value);
  if ("family" in value || "given" in value) return nameOf(value);
  if ("coding" in value || ("text" in value && !("div" in value))) return conceptOf(value);
  if ("system" in value && "code" in value && !("value" in value)) return words(value.display) || words(value.code);
  if ("reference" in value) return words(value.display) || words(value.reference);
  if ("start" in value || "end" in value) return `${words(value.start) || "…"} to ${words(value.end) || "…"}`;
  if ("line" in value || "city" in value) return joined([said(value.line), value.postalCode, value.city, value.country], ", ");
  if ("value" in value) return joined([value.comparator, value.value, value.unit ?? value.code ?? value.currency]);
  if ("low" in value || "high" in value) return `${said(value.low) || "…"} to ${said(value.high) || "…"}`;
  return "";
}

function nameOf(name: Facts): string {
  const given = Array.isArray(name.given) ? joined(name.given) : "";
  return words(name.text) || joined([name.family, given], ", ");
}

function conceptOf(concept: Facts): string {
  if (words(concept.text)) return words(concept.text);
  const [first] = Array.isArray(concept.coding) ? (concept.coding as Facts[]) : [];
  return words(first?.display) || words(first?.code);
}

/** The value of `value[x]` and the like: "value" finds valueQuantity. */
export function choice(resource: Facts, name: string): unknown {
  const key = Object.keys(resource).find((one) => one.startsWith(name) && /^[A-Z]/.test(one.slice(name.length)));
  return resource[name] ?? (key ? resource[key] : undefined);
}

/** What a resource is, in a line: who, what, which value. */
export function titleOf(resource: Facts): string {
  for (const name of ["name", "title", "code", "vaccineCode", "type", "description", "summary", "identifier"]) {
    const text = said(name === "identifier" ? (resource.identifier as Facts[] | undefined)?.[0] : resource[name]);
    if (text) return text;
  }
  return said(choice(resource, "medication")) || words(resource.id);
}

/** The figure or finding that people look for. */
export const valueOf = (resource: Facts): string =>
  said(choice(resource, "value")) || words(resource.conclusion) || words(resource.birthDate) || words(resource.description);

export const whenOf = (resource: Facts): string => {
  const found = ["effective", "occurrence", "performed", "onset", "authored", "recorded", "issued", "started", "date", "period"]
    .map((name) => said(choice(resource, name)))
    .find(Boolean);
  return found ?? "";
};

/** The reference to whom it is about. */
export function subjectOf(resource: Facts): string {
  const subject = resource.subject ?? resource.patient;
  return isFacts(subject) ? words(subject.reference) : "";
}
