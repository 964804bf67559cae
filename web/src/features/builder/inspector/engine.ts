/** The keys that every step has, and those of the workflow: docs/reference/definitions.md. */
import type { Schema } from "../server";

const duration: Schema = { type: ["string", "number"], description: "30s, 5m, 2h, 1d" };

export const STEP_FIELDS: Readonly<Record<string, Schema>> = {
  description: { type: "string", description: "For people" },
  when: { type: ["string", "boolean"], description: "The step is skipped when this does not hold" },
  output: { type: "string", description: "Another name for the result" },
  retry: {
    description: "How failed attempts are repeated",
    type: "object",
    properties: {
      attempts: { type: "integer", minimum: 1, maximum: 100, default: 3 },
      initial: { type: ["string", "number"], description: "The first pause, 1s when not said" },
      factor: { type: "number", minimum: 1, maximum: 100, default: 2 },
      max: { type: ["string", "number"], description: "The longest pause, 60s when not said" },
      jitter: { type: "number", minimum: 0, maximum: 1, default: 0.2 },
    },
  },
  timeout: { ...duration, description: "Longest time of one attempt: 30s, 5m, 2h" },
  heartbeat: { ...duration, description: "Timed out without a sign of life for so long" },
  onError: { enum: ["fail", "continue"], default: "fail", description: "What a failure of this step does" },
};

export const WORKFLOW_FIELDS: Readonly<Record<string, Schema>> = {
  description: { type: "string", description: "For people" },
  onFailure: { enum: ["stop", "rollback"], default: "stop", description: "What a failed run does: stop, or undo its steps" },
  timeout: { ...duration, description: "Longest time of a whole run" },
  concurrency: { type: "integer", minimum: 1, description: "At most so many runs at a time" },
  orderBy: { type: "string", description: "Runs with the same key go one after another: {{trigger.patientId}}" },
  input: { type: "object", description: "JSON Schema of what a run is started with" },
  result: { type: "object", description: "JSON Schema of the run's result" },
};
