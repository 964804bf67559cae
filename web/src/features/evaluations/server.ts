/** Gold sets, evaluations and the watch as the API gives them. */

export interface Share {
  value: number;
  low: number;
  high: number;
  n: number;
}

export interface Gate {
  workflow?: string;
  step?: string;
  worker?: string;
  model?: string;
  metric: string;
  atLeast?: number;
  atMost?: number;
  margin?: number;
}

export interface GoldSet {
  name: string;
  description: string | null;
  cases: number;
  revision: number;
  tags: Record<string, number>;
  gates: Gate[];
}

export interface Metrics {
  cases: number;
  accuracy: Share | null;
  answered: Share | null;
  macroF1: Share | null;
  sensitivity: Share | null;
  specificity: Share | null;
  auc: Share | null;
  ece: Share | null;
  brier: Share | null;
  belowThreshold: Share | null;
  threshold: number;
  latency: { mean: number; median: number; p95: number } | null;
  cost: { total: number; perCase: number | null };
  fields: Record<string, Share>;
  miscalibrated: boolean;
}

export interface Run {
  id: string;
  goldSet: string;
  revision: number;
  subject: string;
  facts: Record<string, string | number>;
  options: { costs: { falsePositive: number; falseNegative: number; review: number } | null };
  status: string;
  error: string | null;
  progress: { done: number; of: number; wrong: number };
  metrics: Metrics | null;
  createdAt: string;
  reliability?: { from: number; to: number; count: number; confidence: number; right: Share }[];
  failing?: { id: string; verdict: string; confidence: number | null }[];
}

export interface Threshold {
  threshold: number;
  cost: number;
  reviewed: number;
  costOfReviewingAll: number;
  costOfReviewingNothing: number;
  costOnOtherCases: number | null;
  curve: { threshold: number; cost: number; reviewed: number }[];
}

export interface Comparison {
  cases: number;
  gained: string[];
  lost: string[];
  accuracy: Share | null;
  p: number;
}

export interface Test {
  name: string;
  p: number;
  found: boolean;
  reference: unknown;
  window: unknown;
}

export interface Stream {
  kind: "answers" | "overrides";
  workflowId: string;
  path: string;
  model: string;
  version: string | null;
  worker: string | null;
  seen: number;
  reference: { have: number; of: number };
  filling: { have: number; of: number };
  windows: { at: number; found: string[]; tests: Test[] }[];
}

export interface Demotion {
  id: string;
  workflowId: string;
  path: string | null;
  model: string;
  version: string | null;
  reason: { kind: string; why?: string; tests?: Test[] };
  by: string;
  at: string;
  liftedAt: string | null;
  liftedBy: string | null;
  liftedWhy: string | null;
}

export interface DriftShown {
  settings: { falseAlarms: number };
  streams: Stream[];
  demotions: Demotion[];
}

/** The server's own workflow in which conversations with workers run; it is on no page. */
export const CONVERSATION = "careloom-conversation";

/** Where a model answers, in words. */
export const placeOf = ({ workflowId }: { workflowId: string }): string => (workflowId === CONVERSATION ? "conversations" : workflowId);

const MEASURES: Record<string, string> = {
  accuracy: "Right",
  answered: "Answered",
  macroF1: "Macro-F1",
  sensitivity: "Sensitivity",
  specificity: "Specificity",
  auc: "Area under the ROC curve",
  ece: "Calibration error",
  brier: "Brier score",
  belowThreshold: "Would go to a person",
};

export const MEASURED = Object.keys(MEASURES) as (keyof Metrics)[];

/** A measure in words: "field:diagnosis" is the field's name. */
export const measureOf = (name: string): string => MEASURES[name] ?? name.replace(/^field:/, "");

/** What a gate asks for, in one line. */
export function gateInWords(gate: Gate): string {
  const of = gate.worker ?? gate.model ?? `${gate.workflow}, ${gate.step}`;
  const bounds = [
    gate.atLeast === undefined ? "" : `at least ${gate.atLeast}`,
    gate.atMost === undefined ? "" : `at most ${gate.atMost}`,
    gate.margin === undefined ? "" : `worse than what is deployed by at most ${gate.margin}`,
  ];
  return `${of}: ${measureOf(gate.metric)} ${bounds.filter(Boolean).join(", ")}`;
}

const CHANGED: Record<string, string> = {
  confidence: "how sure it is",
  probability: "the probability it gives",
  textLength: "how much text it is given",
  tokens: "how many tokens it takes",
  class: "the mix of its answers",
  overrides: "how often reviewers overrule it",
};

/** What a test looks at, in words. */
export const changeOf = (name: string): string => CHANGED[name] ?? name;
