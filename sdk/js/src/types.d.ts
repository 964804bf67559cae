// Generated from the OpenAPI document by generate.py: change that, not this.

/** A JSON value that the document does not describe further. */
export type Anything = any;

/** A JSON object with any members. */
export type JsonObject = Record<string, Anything>;

/** The platform's answer. */
export interface Envelope<T> {
  success: true;
  message?: string;
  data: T;
}

export interface RunAsked {
  runId: string;
  status: "pausing" | "resuming" | "cancelling" | "rolling back";
  changed: boolean;
  children: Array<string>;
}

export interface RunsOrder {
  action: "pause" | "resume" | "cancel" | "rollback" | "retry";
  runIds?: Array<string>;
  filter?: JsonObject;
  /** The path of the step to begin with */
  from?: string;
  version?: number | "latest";
}

export interface RunsAsked {
  action: string;
  summary: Record<string, number>;
  runs: Array<JsonObject>;
}

export interface RetryOrder {
  /** The path of the step to begin with */
  from?: string;
  version?: number | "latest";
  input?: JsonObject;
}

export interface RunRetried {
  runId: string;
  status: "running";
  retryOf: string;
  workflowId: string;
  version: number;
  keptSteps: number;
}

export interface Timeline {
  runId: string;
  status: string;
  startedAt: string;
  finishedAt: string | null;
  stepCount: number;
  nextStep: number | null;
  bars: Array<{
    kind: "step" | "attempt" | "wait";
    id: string;
    path: string;
    iteration: string;
    status: string;
    startedAt: string;
    finishedAt: string | null;
    place?: number;
  }>;
}

export interface DeadLetter {
  id: string;
  kind: "run" | "event";
  workflowId: string;
  step: string | null;
  code: string | null;
  failedAt: string | null;
}

export interface DeadLetters {
  causes: Array<{
    kind: "run" | "event";
    workflowId: string;
    step: string | null;
    code: string | null;
    count: number;
    firstAt: string | null;
    lastAt: string | null;
  }>;
  runs: Array<DeadLetter>;
  events: Array<DeadLetter>;
}

export interface DeadLetterDetail {
  id: string;
  kind: "run" | "event";
}

export interface DeadLetterSettled {
  id: string;
  status: "resent" | "discarded";
}

export interface Reason {
  reason: string;
}

export interface VersionSummary {
  version: number;
  hash: string;
  deployedAt: string;
  deployedBy: string | null;
  newest: boolean;
  unfinishedRuns: number;
}

export interface Version {
  workflowId: string;
  version: number;
  hash: string;
  deployedAt: string;
  deployedBy: string | null;
  definition: JsonObject;
  source: string;
  receipts: Array<JsonObject>;
}

export interface Difference {
  workflowId: string;
  from: number;
  to: number;
  same: boolean;
  words: Array<string>;
  changes: Array<{
    kind: "trigger" | "access" | "workflow" | "step_added" | "step_removed" | "step_moved" | "step_changed";
    path: string;
    field: string | null;
    before: Anything;
    after: Anything;
    words: string;
  }>;
}

export interface VersionChosen {
  version: number;
}

export interface ReplayOrder {
  runIds?: Array<string>;
  last?: number;
  limit?: number;
  from?: string;
  to?: string;
  version?: number;
  definition?: string | JsonObject;
}

export interface Replay {
  replayId: string;
  workflowId: string;
  version: number | null;
  definitionHash: string;
  status: "running" | "done" | "failed" | "cancelled";
  error: string | null;
  createdAt: string;
  finishedAt: string | null;
  progress: { done: number; of: number };
  summary: {
    verdicts: Record<string, number>;
    changedFields: Record<string, number>;
  };
  runs: Array<{
    runId: string;
    verdict: "same" | "changed" | "unknown";
    changes: Array<{ path: string; before: Anything; after: Anything }>;
    onlyBefore: Array<string>;
    onlyAfter: Array<string>;
    wouldRun: Array<{ step: string; input: Anything }>;
  }>;
}

export interface MigrationOrder {
  from: number;
  to: number;
  dryRun?: boolean;
}

export interface Migration {
  workflowId: string;
  from: number;
  to: number;
  dryRun: boolean;
  summary: Record<string, number>;
  more: boolean;
  runs: Array<{
    runId: string;
    outcome: "compatible" | "incompatible" | "busy" | "moved" | "changed" | "gone";
    obstacles: Array<JsonObject>;
  }>;
}

export interface Evaluation {
  workflowId: string | null;
  path: string | null;
  model: string | null;
  version: string | null;
  reviewed: number;
  agreed: number;
  edited: number;
  rejected: number;
  agreement: number;
  interval: Array<number>;
  confidence: number | null;
  calibrationError: number | null;
  reliability: Array<{
    from: number;
    to: number;
    count: number;
    confidence: number | null;
    agreement: number | null;
  }>;
  fields: Array<{ field: string; edited: number }>;
  cases: Array<{ taskId: string; at: string | null; outcome: "edited" | "rejected" }>;
}

export interface AiModelGiven {
  provider: "openai" | "anthropic" | "google" | "ollama";
  connection: string;
  model?: string;
  dataClass?: "none" | "deidentified" | "phi";
  region?: string | null;
  contextLength?: number;
  takes?: Array<"image" | "document">;
  price?: { input: number; output: number } | null;
  parameters?: JsonObject;
  timeout?: number;
  fallback?: string | null;
  description?: string | null;
}

export interface AiModel {
  name: string;
  provider: "openai" | "anthropic" | "google" | "ollama";
  connection: string;
  model: string;
  dataClass: "none" | "deidentified" | "phi";
  region: string | null;
  contextLength: number;
  takes: Array<"image" | "document">;
  price: { input: number; output: number } | null;
  parameters: JsonObject;
  timeout: number;
  fallback: string | null;
  description: string | null;
  version: string;
}

export interface AiModelPut {
  name: string;
  provider: "openai" | "anthropic" | "google" | "ollama";
  connection: string;
  model: string;
  dataClass: "none" | "deidentified" | "phi";
  region: string | null;
  contextLength: number;
  takes: Array<"image" | "document">;
  price: { input: number; output: number } | null;
  parameters: JsonObject;
  timeout: number;
  fallback: string | null;
  description: string | null;
  version: string;
  findings: Array<Finding>;
}

export interface AiModelDeleted {
  name: string;
}

export interface AiModelTest {
  name: string;
  ok: boolean;
  code: string | null;
  message: string;
  model: string | null;
  milliseconds: number;
}

export interface AiWorkerGiven {
  name: string;
  defaultModelName: string;
  description?: string | null;
  instructions?: string;
  toolConfigs?: { tools: Array<{ toolName: string; config?: JsonObject }> };
  outputSchema?: JsonObject | null;
  budget?: JsonObject;
  fallback?: JsonObject;
  dataClass?: "none" | "deidentified" | "phi";
  regions?: Array<string>;
  review?: JsonObject;
  retries?: number;
  onDoubt?: "repeat" | "stop";
  metadata?: JsonObject;
}

export interface AiWorkerChange {
  name?: string;
  defaultModelName?: string;
  description?: string | null;
  instructions?: string;
  toolConfigs?: { tools: Array<{ toolName: string; config?: JsonObject }> };
  outputSchema?: JsonObject | null;
  budget?: JsonObject;
  fallback?: JsonObject;
  dataClass?: "none" | "deidentified" | "phi";
  regions?: Array<string>;
  review?: JsonObject;
  retries?: number;
  onDoubt?: "repeat" | "stop";
  metadata?: JsonObject;
}

export interface AiWorker {
  id: string;
  name: string;
  defaultModelName: string;
  description: string | null;
  instructions: string;
  toolConfigs: { tools: Array<{ toolName: string; config?: JsonObject }> };
  outputSchema: JsonObject | null;
  budget: JsonObject;
  fallback: JsonObject;
  dataClass: "none" | "deidentified" | "phi";
  regions: Array<string>;
  review: JsonObject;
  retries: number;
  onDoubt: "repeat" | "stop";
  metadata: JsonObject;
  version: number;
  hash: string;
  createdAt: string;
  updatedAt: string;
}

export interface AiWorkerVersion {
  version: number;
  hash: string;
  by: string | null;
  at: string;
}

export interface AiToolCall {
  id: string;
  name: string;
  arguments: JsonObject;
}

export interface AiSessionGiven {
  workerId: string;
  /** patientId pins the session to a patient */
  metadata?: JsonObject;
}

export interface AiSession {
  id: string;
  workerId: string;
  workerName: string;
  workerVersion: number;
  status: "active" | "cancelled";
  patientId: string | null;
  metadata: JsonObject;
  turns: number;
  createdBy: string | null;
  createdAt: string;
  updatedAt: string;
}

export interface AiMessageGiven {
  /** A text, or a list of parts */
  content: Anything;
  role?: "user";
  stream?: boolean;
  tools?: Array<{ name: string; description?: string; parameters?: JsonObject }>;
}

export interface AiMessageSent {
  id: string;
  sessionId: string;
  role: string;
  content: Anything;
  taskId: string;
  runId: string;
  status: string;
  createdAt: string;
  answer?: { role: string; content: string; degraded: boolean };
  evidence?: JsonObject | null;
  error?: JsonObject;
  requiredAction?: { type: string; toolCalls: Array<AiToolCall> };
}

export interface AiMessage {
  id: string;
  sessionId: string;
  taskId: string;
  turn: number;
  role: "user" | "assistant" | "tool" | "system";
  content: Anything;
  createdAt: string;
}

export interface AiTask {
  id: string;
  sessionId: string;
  messageId: string;
  runId: string;
  turn: number;
  status: "queued" | "running" | "requires_action" | "waiting" | "completed" | "failed" | "cancelled";
  createdAt: string;
  finishedAt: string | null;
  answer?: { role: string; content: string; degraded: boolean };
  evidence?: JsonObject | null;
  error?: JsonObject;
  requiredAction?: { type: string; toolCalls: Array<AiToolCall> };
}

export interface AiOutputsGiven {
  toolOutputs: Array<{ toolCallId: string; output?: Anything; error?: Anything }>;
}

export interface AiCall {
  id: string;
  runId: string | null;
  sessionId: string | null;
  path: string;
  number: number;
  worker: string;
  workerVersion: number;
  model: string;
  modelVersion: string;
  status: "begun" | "waiting" | "received" | "failed";
  outcome: string | null;
  attempts: number;
  doubts: number;
  promptSha256: string;
  answerSha256: string | null;
  inputTokens: number;
  outputTokens: number;
  cost: number;
  milliseconds: number | null;
  createdAt: string;
  finishedAt: string | null;
}

export interface ImageExplanation {
  uri: string;
  model: string;
  version: string;
  size: number;
  cells: Array<number>;
}

export interface AiCallWhole {
  id: string;
  runId: string | null;
  sessionId: string | null;
  path: string;
  number: number;
  worker: string;
  workerVersion: number;
  model: string;
  modelVersion: string;
  status: "begun" | "waiting" | "received" | "failed";
  outcome: string | null;
  attempts: number;
  doubts: number;
  promptSha256: string;
  answerSha256: string | null;
  inputTokens: number;
  outputTokens: number;
  cost: number;
  milliseconds: number | null;
  createdAt: string;
  finishedAt: string | null;
  request: JsonObject | null;
  answer: JsonObject | null;
}

export interface RedactionGiven {
  text: string;
  patientId?: string | null;
}

export interface Redaction {
  text: string;
  found: Array<{ type: string; start: number; end: number; score: number }>;
  model: string;
}

export interface DeidentificationOrder {
  studyInstanceUid: string;
  /** Copies of one project refer to each other; others do not */
  project?: string;
  options?: {
    cleanPixelData?: boolean;
    cleanDescriptors?: boolean;
    modifiedDates?: boolean;
    patientCharacteristics?: boolean;
    safePrivate?: boolean;
  };
}

export interface DeidentificationSummary {
  deidentificationId: string;
  studyInstanceUid: string;
  project: string;
  options: {
    cleanPixelData: boolean;
    cleanDescriptors: boolean;
    modifiedDates: boolean;
    patientCharacteristics: boolean;
    safePrivate: boolean;
  };
  status: "running" | "done" | "failed" | "cancelled";
  error: string | null;
  createdAt: string;
  finishedAt: string | null;
  progress: { done: number; of: number };
  summary: { stored: number; refused: number };
}

export interface Deidentification {
  deidentificationId: string;
  studyInstanceUid: string;
  project: string;
  options: {
    cleanPixelData: boolean;
    cleanDescriptors: boolean;
    modifiedDates: boolean;
    patientCharacteristics: boolean;
    safePrivate: boolean;
  };
  status: "running" | "done" | "failed" | "cancelled";
  error: string | null;
  createdAt: string;
  finishedAt: string | null;
  progress: { done: number; of: number };
  summary: { stored: number; refused: number };
  copyStudyInstanceUid: string | null;
  objects: Array<{
    sourceInstanceUid: string;
    outcome: "stored" | "refused";
    studyInstanceUid?: string;
    seriesInstanceUid?: string;
    sopInstanceUid?: string;
    methods?: Array<string>;
    attributes?: Record<string, number>;
    pixels?: JsonObject;
    reason?: string;
    fix?: string | null;
  }>;
}

export interface KnowledgeCollectionGiven {
  description?: string;
  /** A full text configuration of PostgreSQL */
  language?: string;
  /** A configured model; null for none */
  embeddingModel?: string | null;
}

export interface KnowledgeCollection {
  collection: string;
  description: string;
  /** A full text configuration of PostgreSQL */
  language: string;
  /** A configured model; null for none */
  embeddingModel: string | null;
  documents: number;
  passages: number;
  embedded: number;
  updatedAt: string;
}

export interface KnowledgeCollectionName {
  collection: string;
}

export interface KnowledgeDocument {
  collection: string;
  documentId: string;
  version: number;
  title: string;
  contentType: string;
  sha256: string;
  characters: number;
  passages: number;
  embedded: number;
  updatedAt: string;
}

export interface KnowledgeDocumentWhole {
  collection: string;
  documentId: string;
  version: number;
  title: string;
  contentType: string;
  sha256: string;
  characters: number;
  passages: number;
  embedded: number;
  updatedAt: string;
  text: string;
}

export interface KnowledgeDocumentName {
  collection: string;
  documentId: string;
}

export interface KnowledgePassage {
  /** By which it is cited */
  id: string;
  collection: string;
  documentId: string;
  version: number;
  passage: number;
  title: string;
  heading: string;
  page: number | null;
  starts: number;
  ends: number;
  sha256: string;
  text: string;
  score: number;
}

export interface KnowledgeFound {
  passages: Array<KnowledgePassage>;
  ranking: "text" | "text+vectors";
  notes: Array<string>;
}

export interface KnowledgeReindexed {
  collection: string;
  made: number;
  pending: number;
  why: string | null;
}

export interface TrainedModelGiven {
  kind: "classifier" | "prediction";
  label: string;
  title?: string | null;
  description?: string;
  intended?: string;
  limits?: string;
  positive?: string | null;
  threshold?: number;
  algorithm?: "logistic" | "boosting";
  heldOut?: number;
  subject?: string;
  history?: string;
  at?: string;
  patient?: string;
  related?: JsonObject;
  outcome?: JsonObject;
  features?: JsonObject;
}

export interface TrainedModel {
  name: string;
  /** Its name in steps */
  reference: string;
  definition: JsonObject;
  /** It comes with Careloom */
  shipped: boolean;
  /** The version that answers */
  running: number | null;
  newest: number | null;
  createdAt: string | null;
  updatedAt: string | null;
}

export interface TrainedModelVersions {
  name: string;
  /** Its name in steps */
  reference: string;
  definition: JsonObject;
  /** It comes with Careloom */
  shipped: boolean;
  /** The version that answers */
  running: number | null;
  newest: number | null;
  createdAt: string | null;
  updatedAt: string | null;
  versions: Array<{
    version: number;
    status: "training" | "candidate" | "running" | "retired" | "failed" | "withdrawn";
    error: string | null;
    progress: JsonObject;
    source: JsonObject;
    digest: string | null;
    card: JsonObject | null;
    comparison: JsonObject | null;
    by: string | null;
    createdAt: string;
    finishedAt: string | null;
    promotedAt: string | null;
  }>;
}

export interface TrainedVersion {
  version: number;
  status: "training" | "candidate" | "running" | "retired" | "failed" | "withdrawn";
  error: string | null;
  progress: JsonObject;
  source: JsonObject;
  digest: string | null;
  card: JsonObject | null;
  /** With the version that was running then: verdict, difference, interval */
  comparison: JsonObject | null;
  by: string | null;
  createdAt: string;
  finishedAt: string | null;
  promotedAt: string | null;
  /** The card as a page, in Markdown */
  cardText: string | null;
  /** Of those it learned from, erased since */
  erasedPatients: number;
}

export interface TrainingGiven {
  goldSet?: string | null;
  seed?: number;
}

export interface Anomalies {
  from: string;
  to: string;
  anomalies: Array<{
    series: string;
    day: string;
    value: number;
    usual: number;
    score: number;
  }>;
}

export interface TrainedPromotion {
  model: string;
  version: number;
  before: number | null;
}

export interface Work {
  id: string;
  token: string;
  runId: string;
  path: string;
  iteration: string;
  delivery: number;
  leaseUntil: string;
  input: JsonObject;
}

export interface WorkOpen {
  id: string;
  queue: string;
  runId: string;
  path: string;
  iteration: string;
  state: "ready" | "claimed";
  holder: string | null;
  deliveries: number;
  progress: JsonObject | null;
  createdAt: string;
  startedAt: string | null;
  leaseUntil: string | null;
}

export interface WorkAsked {
  max?: number;
  wait?: number;
}

export interface WorkBeat {
  token: string;
  progress?: JsonObject;
}

export interface WorkDone {
  token: string;
  result?: Anything;
}

export interface WorkFailed {
  token: string;
  code?: string;
  message?: string;
  retryable?: boolean;
  details?: Anything;
}

export interface WorkWanted {
  id: string;
  wanted: boolean;
}

export interface WorkSettled {
  id: string;
  state: "succeeded" | "failed" | "lost";
}

export interface Kept {
  name: string;
  version: number;
  hash: string;
  updatedAt: string;
}

export interface PipelinePut {
  name: string;
  version: number;
  hash: string;
  created: boolean;
  /** Workflows that a change touches */
  usedBy: Array<string>;
}

/** A pipeline: docs/howto/pipelines.md */
export type PipelineGiven = JsonObject;

export interface Pipeline {
  name: string;
  version: number;
  hash: string;
  updatedAt: string;
  pipeline: PipelineGiven;
  runs: Array<{
    runId: string;
    path: string;
    in: number;
    out: number;
    unchanged: number;
    rejected: number;
    batches: number;
    startedAt: string;
    updatedAt: string;
  }>;
  streams: Array<{ stream: string; batches: number; done: boolean; updatedAt: string }>;
  rejected: number;
  /** Workflows that a change touches */
  usedBy: Array<string>;
}

export interface PipelineReject {
  id: string;
  stream: string;
  line: number;
  code: string;
  message: string;
  runId: string;
  at: string;
  content: Anything;
}

export interface RejectsGiven {
  rows: Array<RejectGiven>;
}

export interface RejectGiven {
  id: string;
  content?: JsonObject;
}

export interface Resubmitted {
  resubmitted: number;
}

/** A table, or a JSON Decision Model: docs/howto/decision-tables.md */
export type DecisionTableGiven = JsonObject;

export interface DecisionTablePut {
  name: string;
  version: number;
  hash: string;
  created: boolean;
  findings: Array<JsonObject>;
  /** Workflows that a change touches */
  usedBy: Array<string>;
}

export interface DecisionTable {
  name: string;
  version: number;
  hash: string;
  updatedAt: string;
  table: DecisionTableGiven;
  /** Workflows that a change touches */
  usedBy: Array<string>;
}

export interface DecisionExplained {
  run: string;
  path: string;
  iteration: string;
  type: string;
  outcome: "succeeded" | "failed" | "degraded" | "skipped" | "cancelled";
  decidedAt: string;
  confidence: { value: number; threshold: number | null; calibrated: boolean } | null;
  review: "none" | "open" | "approved" | "edited" | "rejected" | "expired" | "withdrawn" | "cancelled" | "failed";
  v: 1;
  store: string;
  workflow: {
    hash: string | null;
    workflow?: string;
    version?: number;
    deployedBy?: string | null;
    deployedAt?: string;
  };
  startedBy: string | null;
  startedAt: string | null;
  source: string | null;
  code: string | null;
  carriedOutBy: string;
  answeredBy: JsonObject;
  answer: JsonObject;
  journalSha256: string | null;
  inputs: { named: Array<JsonObject>; more: number };
  sources: { named: Array<JsonObject>; more: number };
  degraded: Array<string>;
  calls: Array<{ at: string; call: string; event: string }>;
  refusals: Array<{ at: string; event: string; entity: string }>;
  rules: Array<{ step: string; at: string; rows: Array<string>; onThis: boolean }>;
  branches: Array<{ step: string; at: string; branch: string }>;
  reviews: Array<{
    task: string;
    step: string | null;
    askedAt: string;
    state: "none" | "open" | "approved" | "edited" | "rejected" | "expired" | "withdrawn" | "cancelled" | "failed";
    by: string | null;
    decidedAt: string | null;
    edited: Array<string>;
  }>;
  effects: Array<{ at: string; step: string | null; action: string; entity: string }>;
  proof: {
    intact: boolean;
    rows: number;
    signed: number;
    unsigned: number;
    changed: number;
    keys: Array<string>;
    drawnOn: Array<{
      id: string;
      action: string;
      at: string;
      sha256: string;
      standing: "signed" | "unsigned" | "changed";
    }>;
  };
}

export interface DecisionListed {
  run: string;
  path: string;
  iteration: string;
  type: string;
  outcome: "succeeded" | "failed" | "degraded" | "skipped" | "cancelled";
  decidedAt: string;
  confidence: { value: number; threshold: number | null; calibrated: boolean } | null;
  review: "none" | "open" | "approved" | "edited" | "rejected" | "expired" | "withdrawn" | "cancelled" | "failed";
  worker: string | null;
  model: string | null;
}

export interface Policy {
  version: number;
  hash: string;
  by: string | null;
  at: string;
  source: string;
  description: string | null;
  rules: Array<{ name: string; line: number | null }>;
}

export interface PolicyKept {
  version: number;
  hash: string;
  by: string | null;
  at: string;
  source: string;
  description: string | null;
  rules: Array<{ name: string; line: number | null }>;
  created: boolean;
  affected: Array<{ workflow: string; version: number; findings: Array<JsonObject> }>;
}

export interface PolicyVersion {
  version: number;
  hash: string;
  by: string | null;
  at: string;
}

export interface RunFigures {
  asOf: string;
  from: string;
  to: string;
  bucket: "minute" | "hour" | "day";
  now: { running: number; waiting: number; queued: number; paused: number };
  period: {
    started: number;
    ended: number;
    succeeded: number;
    failed: number;
    cancelled: number;
    rolledBack: number;
    p50Ms: number | null;
    p95Ms: number | null;
  };
  buckets: Array<{
    at: string;
    started: number;
    succeeded: number;
    failed: number;
    other: number;
  }>;
  workflows: Array<{
    id: string;
    name: string;
    active: boolean;
    last: Array<{ runId: string; status: string; createdAt: string }>;
    ended: number;
    failed: number;
    failureRate: number | null;
    nextFire: string | null;
    p50Ms: number | null;
    p95Ms: number | null;
  }>;
  steps: {
    runs: number;
    steps: Array<{
      workflowId: string;
      path: string;
      step: string;
      count: number;
      failures: number;
      retries: number;
      p50Ms: number | null;
      p95Ms: number | null;
    }>;
  };
  people: {
    decided: number;
    decidedP50Ms: number | null;
    touchesPerRun: number | null;
    open: number;
    queues: Array<{ queue: string; open: number; p50Ms: number; oldestMs: number }>;
    overdue: number;
    escalations: number;
  };
}

export interface PreviewOrder {
  action: "retry" | "replay" | "rollback" | "cancel";
  /** The path of the step to begin with */
  from?: string;
  version?: number | "latest";
  input?: JsonObject;
}

export interface PreviewsOrder {
  action: "retry" | "rollback" | "cancel";
  /** The path of the step to begin with */
  from?: string;
  version?: number | "latest";
  runIds?: Array<string>;
  filter?: JsonObject;
}

export interface RunPreview {
  runId: string;
  action: string;
  effects: Array<{
    step: string | null;
    action: "start" | "run" | "reuse" | "rehearse" | "undo" | "stop" | "cancel_task" | "cancel_run";
    what: string;
    willRepeat: boolean;
    compensates: "type" | "steps" | null;
    certain?: boolean;
    promise?: string;
    iteration?: string;
    resources?: Array<string>;
    taskId?: string;
    runId?: string;
  }>;
  warnings: Array<string>;
}

export interface Kpis {
  asOf: string;
  workflowId: string;
  version: number;
  from: string;
  to: string;
  runs: number;
  complete: boolean;
  unread: number;
  kpis: Array<Kpi>;
}

export interface Kpi {
  id: string;
  name: string;
  description: string | null;
  kind: "duration" | "share" | "values" | "sum";
  measures: JsonObject;
  target: JsonObject | null;
  met: boolean | null;
  hidden: boolean;
  p50Ms?: number | null;
  p95Ms?: number | null;
  of?: number;
  meanMs?: number | null;
  within?: number | null;
  count?: number;
  share?: number | null;
  counts?: Record<string, number>;
  other?: number;
  sum?: number | null;
  unit?: string | null;
}

export interface RunPreviews {
  action: string;
  summary: { would: number; refused: number };
  effects: Array<{ step: string | null; what: string; count: number }>;
  warnings: Array<string>;
  runs: Array<JsonObject>;
}

export interface DraftSummary {
  id: string;
  name: string;
  workflowId: string | null;
  revision: number;
  basedOn: JsonObject | null;
  createdAt: string;
  createdBy: string | null;
  updatedAt: string;
  updatedBy: string | null;
}

export interface Draft {
  data?: JsonObject;
  answers?: JsonObject;
  comment?: string | null;
}

/** One of source, template and workflow */
export interface DraftBegun {
  /** YAML as it is written; it need not be valid */
  source?: string;
  /** `trigger`: what a test is started with; `steps`: outputs by step id */
  pinned?: { trigger?: JsonObject | null; steps?: JsonObject };
  positions?: JsonObject;
  name?: string;
  template?: string;
  workflow?: string;
}

/** What is left out stays as it is; `revision` stands for If-Match */
export interface DraftSaved {
  /** YAML as it is written; it need not be valid */
  source?: string;
  /** `trigger`: what a test is started with; `steps`: outputs by step id */
  pinned?: { trigger?: JsonObject | null; steps?: JsonObject };
  positions?: JsonObject;
  name?: string;
  /** As it was read: an empty `pinned` then stays as it is */
  pinnedHidden?: boolean;
  revision?: number;
}

export interface DraftId {
  id: string;
}

export interface DraftRevision {
  revision: number;
  base: number | null;
  name: string | null;
  current: boolean;
  /** Saved on an older revision; kept, and not the draft */
  aside: boolean;
  restoredFrom: number | null;
  publishedAs: number | null;
  by: string | null;
  at: string;
}

export interface DraftRevisionName {
  name: string | null;
}

export interface DraftRestored {
  revision: number;
}

export interface DraftPublish {
  dryRun?: boolean;
  over?: number;
  revision?: number;
}

export interface DraftPublished {
  draftId: string;
  revision: number;
  workflowId: string;
  replaces: number | null;
  diff: JsonObject | null;
  published: boolean;
  valid: boolean;
  report: JsonObject;
  version?: number;
  created?: boolean;
}

/** At most one of input, sample and run; without any the pinned trigger */
export interface DraftTest {
  input?: JsonObject;
  sample?: string;
  run?: string;
  effects?: "store" | "all" | "off";
  revision?: number;
}

export interface DraftTested {
  runId: string;
  status: string;
  message: string;
  createdAt: string;
  workflowId: string;
  test: JsonObject;
  unusedPins: Array<string>;
}

export interface StepTry {
  /** A definition as YAML text or as a JSON object */
  definition: string | JsonObject;
  step: string;
  /** `trigger`: what a test is started with; `steps`: outputs by step id */
  pinned?: { trigger?: JsonObject | null; steps?: JsonObject };
  item?: Anything;
}

export interface StepTried {
  step: string;
  path: string;
  type: string;
  state: "succeeded" | "would" | "skipped" | "failed" | "degraded";
  input: JsonObject | null;
  output: JsonObject | null;
  would: Array<JsonObject>;
  error: JsonObject | null;
  notes: Array<JsonObject>;
  messages: Array<JsonObject>;
  branch: string | null;
  degraded: boolean;
  needs: Array<string>;
  findings: Array<Finding>;
  durationMs: number;
}

export interface WordsGiven {
  text: string;
  /** A definition as YAML text or as a JSON object */
  definition?: string | JsonObject;
}

export interface Proposal {
  definition: string | null;
  by: "model" | "templates";
  template: string | null;
  note: string | null;
  missing: Array<{ what: string; words: string; fix: string }>;
  diff: Array<JsonObject>;
  words: Array<string>;
  findings: Array<Finding>;
  valid: boolean;
}

export interface OutlineAsked {
  /** A definition as YAML text or as a JSON object */
  definition: string | JsonObject;
  step?: string;
}

export interface OutlineName {
  path: string;
  type: string;
  items?: string;
  description?: string;
  mayNotHaveRun?: boolean;
  fhirType?: string;
}

export interface Outline {
  trigger: Array<OutlineName>;
  run: Array<OutlineName>;
  session: Array<OutlineName>;
  outputs: JsonObject;
  steps: Array<JsonObject>;
  output: JsonObject;
  fhirTypes: JsonObject;
}

export interface OutlineOfStep {
  step: string;
  names: Array<OutlineName>;
  fhirTypes: JsonObject;
}

export interface Template {
  name: string;
  title: string;
  description: string;
  triggers: Array<JsonObject>;
  steps: Array<{ id: string; type: string }>;
  needs: Array<{ kind: string; name: string; steps: Array<string> }>;
  samples: Array<string>;
}

export interface TemplateDetail {
  name: string;
  title: string;
  description: string;
  triggers: Array<JsonObject>;
  steps: Array<{ id: string; type: string }>;
  needs: Array<{ kind: string; name: string; steps: Array<string> }>;
  samples: Array<string>;
  yaml: string;
  sampleInput: JsonObject | null;
}

export interface Sample {
  name: string;
  description: string;
  trigger: string;
  event: string;
  input: JsonObject | null;
}

export interface GoldSetGiven {
  description?: string | null;
  /** The field of the answer that has the class */
  label?: string | null;
  /** The class that counts as positive */
  positive?: string | null;
  threshold?: number;
  costs?: { falsePositive: number; falseNegative: number; review: number } | null;
  calibrationErrorAtMost?: number;
  cases?: Array<{
    input: JsonObject;
    expected: JsonObject;
    id?: string;
    tags?: Array<string>;
    patientId?: string | null;
  }>;
}

export interface GoldSet {
  name: string;
  description: string | null;
  /** The field of the answer that has the class */
  label: string | null;
  /** The class that counts as positive */
  positive: string | null;
  threshold: number;
  costs: { falsePositive: number; falseNegative: number; review: number } | null;
  calibrationErrorAtMost: number;
  revision: number;
  cases: number;
  tags: JsonObject;
  gates: Array<{
    metric: string;
    workflow?: string;
    step?: string;
    worker?: string;
    model?: string;
    atLeast?: number;
    atMost?: number;
    margin?: number;
  }>;
  createdAt: string;
  updatedAt: string;
}

export interface GoldSetDeleted {
  name: string;
}

export interface GoldCase {
  id: string;
  tags: Array<string>;
  erased: boolean;
  input?: JsonObject;
  expected?: JsonObject;
  patientId?: string | null;
  source?: string | null;
  before?: JsonObject | null;
}

export interface GoldCasesGiven {
  cases?: Array<{
    input: JsonObject;
    expected: JsonObject;
    id?: string;
    tags?: Array<string>;
    patientId?: string | null;
  }>;
  fromTasks?: {
    workflow?: string;
    taskIds?: Array<string>;
    since?: string;
    outcomes?: Array<"agreed" | "edited">;
    limit?: number;
    tags?: Array<string>;
  };
}

export interface GoldCasesAdded {
  added: number;
  changed: number;
  revision: number;
  /** Tasks that gave no case, by the reason */
  leftOut?: JsonObject;
}

export interface GoldCaseDeleted {
  id: string;
}

export interface EvaluationGates {
  gates: Array<{
    metric: string;
    workflow?: string;
    step?: string;
    worker?: string;
    model?: string;
    atLeast?: number;
    atMost?: number;
    margin?: number;
  }>;
}

export interface EvaluationGiven {
  goldSet: string;
  workflow?: string;
  step?: string;
  worker?: string;
  model?: string;
  version?: number;
  /** YAML text or an object that is not deployed */
  definition?: Anything;
  budget?: { cost?: number; tokens?: number; seconds?: number };
  atOnce?: number;
  threshold?: number;
}

export interface EvaluationMetrics {
  cases: number;
  accuracy: { value: number; low: number; high: number; n: number } | null;
  answered: { value: number; low: number; high: number; n: number } | null;
  macroF1: { value: number; low: number; high: number; n: number } | null;
  sensitivity: { value: number; low: number; high: number; n: number } | null;
  specificity: { value: number; low: number; high: number; n: number } | null;
  auc: { value: number; low: number; high: number; n: number } | null;
  ece: { value: number; low: number; high: number; n: number } | null;
  brier: { value: number; low: number; high: number; n: number } | null;
  belowThreshold: { value: number; low: number; high: number; n: number } | null;
  threshold: number;
  latency: { mean: number; median: number; p95: number } | null;
  cost: { total: number; perCase: number | null };
  fields: Record<string, { value: number; low: number; high: number; n: number } | null>;
  miscalibrated: boolean;
}

export interface EvaluationRun {
  id: string;
  goldSet: string;
  revision: number;
  subject: string;
  content: string;
  facts: JsonObject;
  options: JsonObject;
  status: "running" | "done" | "stopped" | "failed" | "cancelled";
  error: string | null;
  progress: { done: number; of: number; wrong: number };
  metrics: EvaluationMetrics | null;
  by: string | null;
  createdAt: string;
  finishedAt: string | null;
  /** It went on with one that had not ended */
  again?: boolean;
  fields?: JsonObject;
  confusion?: Array<{ expected: string; given: string | null; count: number }>;
  reliability?: Array<{
    from: number;
    to: number;
    count: number;
    confidence: number;
    right: { value: number; low: number; high: number; n: number } | null;
  }>;
  failing?: Array<{
    id: string;
    verdict: "right" | "wrong" | "unanswered";
    confidence: number | null;
  }>;
}

export interface EvaluationCase {
  id: string;
  verdict: "right" | "wrong" | "unanswered";
  confidence: number | null;
  milliseconds: number;
  cost: number;
  tokens: number;
  expected?: JsonObject;
  given?: JsonObject;
  fields?: JsonObject;
  probability?: number | null;
  error?: string | null;
  tags?: Array<string>;
  erased?: boolean;
}

export interface EvaluationThreshold {
  threshold: number;
  cost: number;
  reviewed: number;
  costOfReviewingAll: number;
  costOfReviewingNothing: number;
  costOnOtherCases: number | null;
  curve: Array<{ threshold: number; cost: number; reviewed: number }>;
}

export interface EvaluationComparison {
  before: string;
  after: string;
  sameCases: boolean;
  cases: number;
  onlyBefore: number;
  onlyAfter: number;
  gained: Array<string>;
  lost: Array<string>;
  accuracy: { value: number; low: number; high: number; n: number } | null;
  auc: { value: number; low: number; high: number; n: number } | null;
  brier: { value: number; low: number; high: number; n: number } | null;
  p: number;
}

export interface DriftSettingsGiven {
  /** Cases that the later ones are held against */
  reference?: number;
  window?: number;
  /** Chance that a window without a shift is found */
  falseAlarms?: number;
  demote?: boolean;
  notify?: Array<string>;
}

export interface DriftSettings {
  /** Cases that the later ones are held against */
  reference: number;
  window: number;
  /** Chance that a window without a shift is found */
  falseAlarms: number;
  demote: boolean;
  notify: Array<string>;
}

export interface DriftStream {
  kind: "answers" | "overrides";
  workflowId: string;
  path: string;
  model: string;
  version: string | null;
  worker: string | null;
  seen: number;
  reference: { have: number; of: number };
  filling: { have: number; of: number };
  windows: Array<{
    at: number;
    found: Array<string>;
    tests: Array<{
      name: string;
      test: string;
      statistic: number;
      p: number;
      found: boolean;
      reference: Anything;
      window: Anything;
      stabilityIndex?: number;
    }>;
  }>;
  updatedAt: string;
}

export interface Demotion {
  id: string;
  workflowId: string;
  path: string | null;
  model: string;
  version: string | null;
  worker: string | null;
  reason: JsonObject;
  by: string;
  at: string;
  liftedAt: string | null;
  liftedBy: string | null;
  liftedWhy: string | null;
}

export interface DemotionGiven {
  workflowId: string;
  model: string;
  reason: string;
  path?: string;
  version?: string;
}

export interface DemotionLifted {
  reason: string;
}

export interface Drift {
  settings: DriftSettings;
  streams: Array<DriftStream>;
  demotions: Array<Demotion>;
}

export interface Task {
  id: string;
  kind: "task" | "form" | "approval";
  status: "requested" | "accepted" | "completed" | "rejected" | "cancelled";
  version: number;
  priority: "routine" | "urgent" | "asap" | "stat";
  queue: string;
  assignee: string | null;
  candidates: Array<string> | null;
  decidedBy: Array<string>;
  quorum: number;
  fourEyes: boolean;
  due: string | null;
  sla: Sla | null;
  patientId: string | null;
  workflowId: string | null;
  runId: string | null;
  path: string | null;
  createdAt: string;
  closedAt: string | null;
  /** Give it as `after` for what follows */
  cursor: string;
  title: string;
  show: JsonObject;
  description?: string | null;
  form?: JsonObject | null;
  prefill?: JsonObject;
  suggestion?: JsonObject | null;
  /** Put off by who asks */
  snoozedUntil?: string | null;
  /** A model had a part in what is shown */
  ai?: boolean;
}

export interface TaskDetail {
  id: string;
  kind: "task" | "form" | "approval";
  status: "requested" | "accepted" | "completed" | "rejected" | "cancelled";
  version: number;
  priority: "routine" | "urgent" | "asap" | "stat";
  queue: string;
  assignee: string | null;
  candidates: Array<string> | null;
  decidedBy: Array<string>;
  quorum: number;
  fourEyes: boolean;
  due: string | null;
  sla: Sla | null;
  patientId: string | null;
  workflowId: string | null;
  runId: string | null;
  path: string | null;
  createdAt: string;
  closedAt: string | null;
  /** Give it as `after` for what follows */
  cursor: string;
  title: string;
  show: JsonObject;
  comments: Array<{ by: string | null; at: string; kind: string; text: string }>;
  votes: Array<{ by: string; approved: boolean; comment: string | null; at: string }>;
  draft: JsonObject | null;
  decision: JsonObject | null;
  description?: string | null;
  form?: JsonObject | null;
  prefill?: JsonObject;
  suggestion?: JsonObject | null;
  /** Put off by who asks */
  snoozedUntil?: string | null;
  /** A model had a part in what is shown */
  ai?: boolean;
  language?: string | null;
  languages?: Array<string>;
  valueSets?: Record<string, { total: number; complete: boolean; options: Array<JsonObject> }>;
  calculates?: boolean;
}

export interface Sla {
  state: "ok" | "warning" | "breached";
  warnAt: string | null;
  minutesLeft: number;
}

export interface QueueCounts {
  queue: string;
  open: number;
  unassigned: number;
  mine: number;
  warned: number;
  overdue: number;
  urgent: number;
}

export interface TaskEvent {
  at: string;
  action: string;
  by: string | null;
  kind: string | null;
  detail: JsonObject;
}

export interface TaskChanged {
  task: string;
  state: "requested" | "accepted" | "completed" | "rejected" | "cancelled";
  version: number;
  savedAt?: string;
}

export interface SnoozeGiven {
  until: string | null;
}

export interface Snoozed {
  task: string;
  snoozedUntil: string | null;
}

export interface NextGiven {
  queue?: string;
  kind?: string;
  workflow?: string;
}

export interface TaskTarget {
  to: { user?: string; group?: string; queue?: string };
  comment?: string | null;
}

export interface Comment {
  text: string;
}

export interface Decision {
  decision: "approve" | "reject" | "complete";
  comment?: string | null;
  data?: JsonObject | null;
  /** A QuestionnaireResponse */
  answers?: JsonObject | null;
}

export interface Decided {
  task: string;
  /** Still open while votes are missing */
  state: "requested" | "accepted" | "completed" | "rejected" | "cancelled";
  version: number;
  runId: string | null;
  /** The same as a UUID; read `runId` */
  run: string | null;
}

export interface FormLinkGiven {
  filler?: string;
  days?: number;
}

export interface FormLink {
  token: string;
  url: string;
  expiresAt: string;
}

export interface Form {
  title: string;
  description: string | null;
  /** The Questionnaire in `language` */
  form: JsonObject;
  prefill: JsonObject;
  language: string | null;
  languages: Array<string>;
  valueSets: Record<string, { total: number; complete: boolean; options: Array<JsonObject> }>;
  calculates: boolean;
  draft: JsonObject | null;
  savedAt: string | null;
  due: string | null;
  expiresAt: string;
}

export interface TaskForm {
  /** The Questionnaire in `language` */
  form: JsonObject;
  prefill: JsonObject;
  language: string | null;
  languages: Array<string>;
  valueSets: Record<string, { total: number; complete: boolean; options: Array<JsonObject> }>;
  calculates: boolean;
}

export interface FormOptions {
  options: Array<JsonObject>;
  more: boolean;
}

export interface FormDraft {
  data?: JsonObject;
  answers?: JsonObject;
}

export interface FormSaved {
  savedAt: string;
}

export interface AnswersSoFar {
  data?: JsonObject;
  answers?: JsonObject;
  /** Calculated answers that a person changed */
  edited?: Array<string>;
}

export interface Calculated {
  /** Calculated values by linkId; in a repeating group by `<group>[<n>]/<linkId>` */
  values: JsonObject;
  enabled: Record<string, boolean>;
  issues: Array<{ linkId: string; message: string }>;
  data: JsonObject;
  /** A QuestionnaireResponse */
  answers: JsonObject;
}

export interface Attachment {
  contentType: string;
  url: string;
  size: number;
  hash: string;
  title: string;
}

/** Plain values by linkId, or a QuestionnaireResponse */
export interface FormAnswers {
  data?: JsonObject;
  answers?: JsonObject;
}

export interface FormFilled {
  status: "completed";
}

export interface Queue {
  queue: string;
  name: string;
  candidates: Array<string> | null;
}

export interface QueueGiven {
  name?: string;
  candidates?: Anything;
}

export interface Group {
  group: string;
  name: string;
  members: Array<string>;
}

export interface GroupGiven {
  name?: string;
  members?: Array<string>;
}

export interface Calendar {
  timezone: string;
  hours: JsonObject;
  holidays?: JsonObject | null;
  closed?: Array<string>;
  open?: JsonObject;
}

export interface CalendarName {
  name: string;
  updatedAt: string;
}

export interface Me {
  principal: string;
  name: string;
  kind: "user" | "service" | "worker";
  tenant: string;
  store: string;
  environment: "development" | "production";
  roles: Array<string>;
  /** What is granted without narrowing */
  permissions: Array<string>;
  /** Everything that is granted, narrowed grants too */
  grants: Array<string>;
  /** Of a browser session; send it as X-CSRF-Token */
  csrf?: string;
  session?: { id: string; expiresAt: string; idleMinutes: number };
}

export interface Key {
  id: string;
  prefix: string;
  status: "valid" | "expired" | "disabled" | "revoked";
  principal: string;
  name: string;
  roles: Array<string>;
  grants: Array<string>;
  limit: Array<string> | null;
  store: string;
  createdAt: string;
  lastUsedAt: string | null;
  expiresAt: string | null;
}

export interface KeyGiven {
  principal: string;
  name?: string;
  kind?: "user" | "service" | "worker";
  /** With roles or grants it is made */
  roles?: Array<string> | null;
  grants?: Array<string> | null;
  /** What the key may do at most */
  limit?: Array<string> | null;
  store?: string;
  expiresAt?: string | null;
}

export interface KeyMade {
  id: string;
  prefix: string;
  principal: string;
  /** Shown in this answer only */
  key: string;
}

export interface KeyRevoked {
  id: string;
  status: "revoked";
  changed: boolean;
}

export interface Principal {
  id: string;
  name: string;
  kind: string;
  roles: Array<string>;
  grants: Array<string>;
  disabled: boolean;
  createdAt: string;
}

export interface PrincipalChange {
  roles?: Array<string> | null;
  grants?: Array<string> | null;
  disabled?: boolean | null;
}

export interface Role {
  id: string;
  grants: Array<string>;
  own: boolean;
}

export interface RoleGiven {
  grants: Array<string>;
}

export interface SignIn {
  key: string;
}

export interface SignedIn {
  me: Me;
  csrf: string;
}

export interface BrowserSession {
  id: string;
  browser: string;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
  current: boolean;
}

export interface BrowserSessionEnded {
  id: string;
  status: "ended";
}

export interface BrowserSessionsEnded {
  ended: number;
}

export interface FhirStoreGiven {
  name: string;
  description?: string | null;
  settings?: {
    referenceIntegrity?: "none" | "warn" | "enforce";
    unknownProfile?: "ignore" | "refuse";
  };
  region?: "global";
  fhirVersion?: "R4";
  type?: "serverless" | "dedicated";
}

export interface FhirStoreChange {
  name?: string;
  description?: string | null;
  settings?: {
    referenceIntegrity?: "none" | "warn" | "enforce";
    unknownProfile?: "ignore" | "refuse";
  };
}

export interface FhirStore {
  id: string;
  name: string;
  description: string | null;
  region: string;
  fhirVersion: string;
  status: "creating" | "running" | "deleting";
  infrastructure: "serverless" | "dedicated";
  endpoint: string;
  /** Whole when made, later its beginning; null for the first store */
  apiKey: string | null;
  teamId: string;
  createdAt: string;
  updatedAt: string;
}

export interface FhirStoreDeleted {
  id: string;
  status: "deleted";
}

export interface Error {
  success: false;
  message: string;
  data: null;
  error: {
    code: string;
    details: string | JsonObject;
    path?: string;
    fix?: string;
  };
}

export interface Health {
  status: "live" | "ready" | "not ready";
  cause?: string;
}

export interface Receipt {
  code: string;
  path: string;
  message: string;
  line?: number | null;
  column?: number;
  step?: string;
  pointer?: string;
  edit?: JsonObject;
}

export interface Finding {
  code: string;
  path: string;
  message: string;
  severity: "error" | "warning" | "info";
  fix: string;
  line?: number | null;
  column?: number;
  step?: string;
  pointer?: string;
  edit?: JsonObject;
}

export interface YamlText {
  yaml: string;
}

/** A definition: docs/reference/definitions.md */
export type Definition = JsonObject;

export interface Checked {
  id: string;
  name: string;
  hash: string;
  receipts: Array<Receipt>;
  findings: Array<Finding>;
  triggerGraph: JsonObject;
  valid: boolean;
}

export interface Deployed {
  id: string;
  name: string;
  hash: string;
  receipts: Array<Receipt>;
  findings: Array<Finding>;
  triggerGraph: JsonObject;
  version: number;
  created: boolean;
}

export interface Workflow {
  id: string;
  name: string;
  version: number;
  hash: string;
  /** Events start runs of it */
  active: boolean;
  updatedAt: string;
  /** Who deployed it */
  owner: string | null;
  triggers: Array<JsonObject>;
  steps: Array<{ id: string; type: string; path: string }>;
}

export interface WorkflowDetail {
  id: string;
  name: string;
  version: number;
  hash: string;
  /** Events start runs of it */
  active: boolean;
  updatedAt: string;
  /** Who deployed it */
  owner: string | null;
  triggers: Array<JsonObject>;
  steps: Array<{ id: string; type: string; path: string }>;
  definition: JsonObject;
  source: string;
  receipts: Array<Receipt>;
}

export interface JsonSchema {
  $schema: string;
  $defs: JsonObject;
}

export interface TriggerGraph {
  cascades: Array<{ source: string; step: string; event: string; target: string }>;
  cycles: Array<Array<string>>;
  orphans: Array<string>;
}

export interface ComponentName {
  kind: string;
  name: string;
}

export interface Component {
  kind: string;
  name: string;
  version: number;
  body: JsonObject;
}

export interface ComponentDetail {
  kind: string;
  name: string;
  version: number;
  body: JsonObject;
  affected: Array<ComponentUser>;
}

export interface ComponentKept {
  kind: string;
  name: string;
  version: number;
  created: boolean;
  affected: Array<ComponentUser>;
  redeployed?: Array<{ workflow: string; version?: number }>;
}

export interface ComponentUser {
  workflow: string;
  version: number;
  uses: number;
  paths: Array<string>;
}

export interface StepType {
  type: string;
  title: string;
  input: JsonObject;
  output: JsonObject;
}

export interface EventGiven {
  key?: string | number | null;
  data?: Anything;
  id?: string | null;
}

export interface EventSent {
  id: string;
  name: string;
  status: "taken" | "kept";
  runId: string | null;
  repeated: boolean;
}

export interface RunStarted {
  runId: string;
  status: "running" | "waiting" | "succeeded" | "failed" | "cancelled" | "rolled_back";
  message: string;
  createdAt: string;
  workflowId: string;
  version: number;
}

export interface RunSummary {
  runId: string;
  workflowId: string;
  version: number;
  status: "running" | "waiting" | "succeeded" | "failed" | "cancelled" | "rolled_back";
  source: string;
  test: boolean;
  createdAt: string;
  finishedAt: string | null;
  durationMs: number | null;
  stepsDone: number;
  failedStep: string | null;
  failedCode: string | null;
  held: "queued" | "paused" | null;
  retriedAs: string | null;
  parent: string | null;
  segments?: Array<{
    step: string;
    path: string;
    status: string;
    from: number;
    to: number | null;
  }>;
}

export interface Run {
  runId: string;
  workflowId: string;
  workflowName: string;
  version: number;
  definitionHash: string;
  status: "running" | "waiting" | "succeeded" | "failed" | "cancelled" | "rolled_back";
  source: string;
  test: JsonObject | null;
  startedBy: string | null;
  trigger: JsonObject;
  sessionId: string;
  createdAt: string;
  finishedAt: string | null;
  durationMs: number | null;
  steps: Array<Step>;
  stepCount: number;
  nextStep: number | null;
  attempts: Array<Attempt>;
  output: Anything;
  error: JsonObject | null;
  held: "queued" | "paused" | null;
  queuedBehind: JsonObject | null;
  asked: Array<"cancel" | "rollback">;
  parent: string | null;
  parentPath: string | null;
  children: Array<JsonObject>;
  retryOf: string | null;
  retriedAs: string | null;
  discarded: JsonObject | null;
  failedStep: string | null;
  failedCode: string | null;
  crashes: number;
  cause: { step: string; sentence: string; code: string; fix: string } | null;
}

export interface Step {
  id: string;
  path: string;
  status: "succeeded" | "failed" | "skipped" | "waiting" | "cancelled";
  startedAt: string | null;
  input: Anything;
  notes: Array<JsonObject>;
  place?: number;
  attempt?: number;
  finishedAt?: string | null;
  durationMs?: number | null;
  output?: Anything;
  branch?: Anything;
  effect?: Anything;
  error?: JsonObject | null;
  until?: string | null;
  event?: string | null;
}

export interface Attempt {
  path: string;
  attempt: number;
  startedAt: string;
  finishedAt: string;
  retryAt: string | null;
  error: JsonObject;
}

export interface Session {
  id: string;
  runId: string | null;
  patientId: string | null;
  createdAt: string;
  messages: Array<{ role: string; at?: string }>;
}

/** Rows, checkpoints and the chain's proof */
export type AuditExport = JsonObject;

export interface Message {
  id: string;
  runId: string | null;
  path: string | null;
  channel: string;
  connection: string | null;
  status: "captured" | "pending" | "sent" | "failed";
  receipt: JsonObject;
  warnings: Array<Anything>;
  createdAt: string;
  to: Array<string>;
  subject: string | null;
  text: string | null;
  payload: JsonObject | null;
}

export interface Incident {
  id: string;
  kind: string;
  cause: string;
  status: "open" | "closed";
  count: number;
  ref: JsonObject;
  firstAt: string;
  lastAt: string;
}

export interface IncidentClosed {
  id: string;
  status: "closed";
  changed: boolean;
}

export interface FileForm {
  file: Blob;
}

export type StoredFile = StoredImage | StoredDocument;

export interface StoredImage {
  uri: string;
  instance: string;
  patientId: string | null;
  created: boolean;
}

export interface StoredDocument {
  uri: string;
  sha256: string;
  size: number;
  contentType: string;
  created: boolean;
}

export interface Connection {
  id: string;
  kind: "slack" | "email" | "webhook" | "http" | "fhir" | "sql";
  settings: JsonObject;
  /** What the calls of this process said; null before the first */
  health?: {
    circuit: "closed" | "open" | "half-open";
    calls: number;
    failures: number;
    lastSuccessAt: string | null;
    lastFailureAt: string | null;
    lastError: string | null;
  } | null;
}

export interface ConnectionTest {
  id: string;
  ok: boolean;
  milliseconds: number;
  message: string;
  code?: string | null;
  details?: JsonObject;
}

export interface ConnectionGiven {
  kind: "slack" | "email" | "webhook" | "http" | "fhir" | "sql";
  settings?: JsonObject;
  secret?: JsonObject;
}

export interface ReferralText {
  extracted_text: string;
}

export interface Triage {
  urgency: string;
  confidence: number;
  notified: boolean;
  notification: "captured" | "pending" | "sent" | "failed";
  referral_id: string;
  specialty: string | null;
  needs_review: boolean;
  review_reasons: Array<Anything>;
  notification_error?: { code: string; message: string };
}

export interface Referral {
  referral_id: string;
  patient_id: string | null;
  referral_text: string;
  urgency: string;
  confidence: number;
  created_at: string;
}

export interface Schedule {
  workflowId: string;
  /** Which trigger of the workflow, from 0 */
  trigger: number;
  version: number;
  cron: string;
  timezone: string;
  overlap: "forbid" | "allow" | "queue";
  catchUp: "none" | "last" | "all";
  /** Seconds */
  catchUpWithin: number;
  /** Seconds */
  jitter: number;
  paused: boolean;
  next: Array<string>;
  last: {
    scheduledAt: string;
    outcome: "started" | "queued" | "skipped";
    runId: string | null;
  } | null;
  started: number;
  missed: number;
  queued: number;
}

export interface Webhooks {
  /** Stands in the address; cannot be guessed */
  endpoint: string;
  hooks: Array<{
    path: string;
    url: string;
    workflowId: string;
    active: boolean;
    secret: string;
    secretIsThere: boolean;
    signature: "standard" | "github";
  }>;
  secrets: Array<{ name: string; valid: number }>;
}

export interface WebhookSecretGiven {
  secret?: string;
  keepPreviousFor?: number;
}

export interface WebhookSecret {
  name: string;
  number: number;
  secret: string;
}

export interface Delivery {
  deliveryId: string;
  status: "accepted";
  receivedAt: string;
}
