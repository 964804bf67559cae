/** What can be put on the canvas: the triggers of the language, and every step type of the server. */
import type { LucideIcon } from "lucide-react";
import { stepIcon, triggerIcon } from "./canvas/icons";
import type { StepType } from "./server";
import { TRIGGERS } from "./triggers";

export interface Component {
  key: string;
  title: string;
  says: string;
  group: string;
  icon: LucideIcon;
  /** A trigger, or a step with what it begins with. */
  make: { trigger: Record<string, unknown> } | { step: Record<string, unknown> };
  /** Further words by which it is found. */
  words: string;
}

/** The groups of the palette in their order; connections to other systems stand with the data. */
export const GROUPS = ["start", "data", "ai", "logic", "people"] as const;
const WORDS: Readonly<Record<string, string>> = { start: "Start", data: "Data", ai: "AI", logic: "Logic", people: "People" };
const ALSO: Readonly<Record<string, string>> = { connect: "data" };

/** The order within a group: what is used most comes first, what is new to the screens last. */
const ORDER =
  "fhir pipeline session rules map validate http graphql sql code external worker model document if switch parallel foreach workflow wait bot task approval form".split(" ");

/** What a step with lanes begins with: lanes in which nothing stands yet. */
const LANES: Readonly<Record<string, Record<string, unknown>>> = {
  if: { then: [], else: [] },
  switch: { cases: { first: [] }, default: [] },
  parallel: { branches: { first: [], second: [] } },
  foreach: { steps: [] },
  approval: { then: [], else: [] },
};

/** Words of the documents and of other products. */
const SYNONYMS: Readonly<Record<string, string>> = {
  worker: "agent assistant llm",
  model: "classifier inference",
  fhir: "server observation patient resource store",
  bot: "slack email notification message webhook tell",
  task: "human person review",
  if: "condition decision branch",
  switch: "case branch",
  foreach: "loop repeat",
  parallel: "branch side by side",
  wait: "delay sleep pause event",
  workflow: "subworkflow call",
  http: "rest api request",
  rules: "decision table dmn",
};

export function groupWord(group: string): string {
  return WORDS[group] ?? group.charAt(0).toUpperCase() + group.slice(1);
}

export function groupOf(type: StepType | undefined): string {
  const group = type?.group ?? "logic";
  return ALSO[group] ?? group;
}

export function componentsOf(types: ReadonlyMap<string, StepType>): Component[] {
  const triggers = TRIGGERS.map((trigger): Component => ({
    key: `trigger:${trigger.type}`,
    title: trigger.title,
    says: trigger.says,
    group: "start",
    icon: triggerIcon(trigger.type),
    make: { trigger: { type: trigger.type, ...trigger.begin } },
    words: `trigger start ${trigger.type}`,
  }));
  const steps = [...types.values()].map((type): Component => ({
    key: type.type,
    title: type.title,
    says: type.description,
    group: groupOf(type),
    icon: stepIcon(type.type, type.group),
    make: { step: stepOf(type) },
    words: `${type.type} ${SYNONYMS[type.type] ?? ""}`,
  }));
  const place = (key: string) => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length);
  const rank = (one: Component) => GROUPS.indexOf(one.group as (typeof GROUPS)[number]) * 100 + place(one.key);
  return [...triggers, ...steps.sort((one, other) => rank(one) - rank(other))];
}

function stepOf(type: StepType): Record<string, unknown> {
  const begin: Record<string, unknown> = { id: type.type, type: type.type };
  for (const key of type.input.required ?? []) {
    const first = type.input.properties?.[key]?.enum?.[0];
    if (first !== undefined) begin[key] = first;
  }
  return { ...begin, ...LANES[type.type] };
}

/** Those that a person may mean, the likeliest first; all of them, in their order, for no words. */
export function found(components: readonly Component[], words: string): Component[] {
  const wanted = words.trim().toLowerCase();
  if (wanted === "") return [...components];
  const scored = components.map((one) => ({ one, score: score(one, wanted) })).filter(({ score: is }) => is > 0);
  return scored.sort((a, b) => b.score - a.score).map(({ one }) => one);
}

function score(one: Component, wanted: string): number {
  const title = one.title.toLowerCase();
  if (title === wanted || one.key === wanted) return 100;
  if (title.startsWith(wanted)) return 80;
  if (one.key.startsWith(wanted)) return 70;
  if (title.includes(wanted)) return 60;
  const words = one.words.split(" ");
  if (words.some((word) => word.startsWith(wanted))) return 40;
  return one.says.toLowerCase().includes(wanted) ? 10 : 0;
}
