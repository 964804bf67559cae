// Generated from the OpenAPI document by generate.py: change that, not this.
import type { CallOptions, Content, Operations, Transport } from './calls.js';
import type * as types from './types.js';

/** Operations on workflow. */
export declare class WorkflowOperations extends Operations {
  /** Do one thing to many runs, named or found by a filter; the outcome of each. */
  controlRuns(
    body: types.RunsOrder,
    options?: CallOptions,
  ): Promise<types.Envelope<types.RunsAsked>>;

  /** Let a run and its children rest after the step they are at; a finished one is 422. */
  pauseRun(runId: string, options?: CallOptions): Promise<types.Envelope<types.RunAsked>>;

  /** Let a paused run and its children go on. */
  resumeRun(runId: string, options?: CallOptions): Promise<types.Envelope<types.RunAsked>>;

  /** Ask a run and its children to stop; a finished one is 422. */
  cancelRun(runId: string, options?: CallOptions): Promise<types.Envelope<types.RunAsked>>;

  /** Undo the completed steps of a run, last first; also of one that has ended. */
  rollbackRun(runId: string, options?: CallOptions): Promise<types.Envelope<types.RunAsked>>;

  /**
   * Start a run that takes this one's place: from the step that failed, or `from` another, with
   * another `input`, on another `version`.
   */
  retryRun(
    runId: string,
    body?: types.RetryOrder,
    options?: CallOptions,
  ): Promise<types.Envelope<types.RunRetried>>;

  /** What failed and waits for somebody: by cause, then one by one, newest first. */
  listDeadLetters(
    options?: CallOptions & {
      workflow?: string;
      code?: string;
      version?: number;
      step?: string;
      before?: string;
      limit?: number;
    },
  ): Promise<types.Envelope<types.DeadLetters>>;

  /** One dead letter with what it was started with. */
  getDeadLetter(
    letterId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.DeadLetterDetail>>;

  /** Send it again: an event to the workflow that could not read it; a run as `retryRun` does. */
  resendDeadLetter(
    letterId: string,
    body?: types.RetryOrder,
    options?: CallOptions,
  ): Promise<types.Envelope<types.RunRetried | types.DeadLetterSettled>>;

  /** Let it be, with a reason. */
  discardDeadLetter(
    letterId: string,
    body: types.Reason,
    options?: CallOptions,
  ): Promise<types.Envelope<types.DeadLetterSettled>>;

  /** Runs, newest first; page with the last id as `before`. */
  listRuns(
    options?: CallOptions & {
      workflow?: string;
      status?: "running" | "waiting" | "held" | "paused" | "succeeded" | "failed" | "cancelled" | "rolled_back";
      version?: number;
      code?: string;
      text?: string;
      parent?: string;
      from?: string;
      to?: string;
      before?: string;
      limit?: number;
      gantt?: boolean;
    },
  ): Promise<types.Envelope<Array<types.RunSummary>>>;

  /** One run: steps, attempts, output, error, cause, timings. Of a long run a page of steps. */
  getRun(
    runId: string,
    options?: CallOptions & { after?: number; limit?: number },
  ): Promise<types.Envelope<types.Run>>;

  /** The run's audit rows with the chain's proof; by Accept JSON, NDJSON, CSV or FHIR. */
  getRunAudit(
    runId: string,
    options?: CallOptions & { accept?: 'application/json' },
  ): Promise<types.Envelope<types.AuditExport>>;
  getRunAudit(
    runId: string,
    options: CallOptions & { accept: 'application/x-ndjson' },
  ): Promise<string>;
  getRunAudit(runId: string, options: CallOptions & { accept: 'text/csv' }): Promise<string>;
  getRunAudit(
    runId: string,
    options: CallOptions & { accept: 'application/fhir+json' },
  ): Promise<types.JsonObject>;

  /** When each step, attempt and wait of a run took place; no payloads. */
  getRunTimeline(
    runId: string,
    options?: CallOptions & { after?: number; limit?: number },
  ): Promise<types.Envelope<types.Timeline>>;

  /** JSON Schema 2020-12 of a definition, with every step type of this installation. */
  getWorkflowSchema(options?: CallOptions): Promise<types.JsonSchema>;

  /**
   * Which workflow may start which, by what it writes or as its child: cascades, loops, and
   * orphans, which nothing starts.
   */
  getTriggerGraph(options?: CallOptions): Promise<types.Envelope<types.TriggerGraph>>;

  /** Deploy a workflow from YAML or JSON; the answer carries receipts of repairs. */
  createWorkflow(
    definition: types.Definition | string,
    options?: CallOptions & { mode?: "compat" | "strict" },
  ): Promise<types.Envelope<types.Deployed>>;

  /** Every workflow of the store, newest versions. */
  listWorkflows(options?: CallOptions): Promise<types.Envelope<Array<types.Workflow>>>;

  /** What a deployment would say; nothing is stored. */
  validateWorkflow(
    definition: types.Definition | string,
    options?: CallOptions & { mode?: "compat" | "strict" },
  ): Promise<types.Envelope<types.Checked>>;

  /** One workflow: canonical definition, and the source as it was handed in. */
  getWorkflow(
    workflowId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.WorkflowDetail>>;

  /** Deploy a new version of a workflow. */
  updateWorkflow(
    workflowId: string,
    definition: types.Definition | string,
    options?: CallOptions & { mode?: "compat" | "strict" },
  ): Promise<types.Envelope<types.Deployed>>;

  /**
   * Start a run; the body becomes `trigger`. 422 when the input misses what the steps need. With an
   * Idempotency-Key the same request again is answered, with 200, by the run that there is.
   */
  executeWorkflow(
    workflowId: string,
    body?: types.JsonObject,
    options?: CallOptions & { idempotencyKey?: string },
  ): Promise<types.Envelope<types.RunStarted>>;

  /**
   * Let no event start a run of it until it is resumed, whatever is deployed; what happens
   * meanwhile starts none later either. Runs that are under way go on, and execute still works.
   */
  pauseWorkflow(workflowId: string, options?: CallOptions): Promise<types.Envelope<types.Workflow>>;

  /** Let events start runs of it again. */
  resumeWorkflow(
    workflowId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Workflow>>;

  /**
   * Send an event by name and key to the run that has waited longest for it; one that no run waits
   * for yet is kept. An `Idempotency-Key`, or `id` in the body, makes a repeat harmless.
   */
  sendEvent(
    name: string,
    body?: types.EventGiven,
    options?: CallOptions & { idempotencyKey?: string },
  ): Promise<types.Envelope<types.EventSent>>;

  /** Every schedule of the store: its next five times, its last firing, what it missed. */
  listSchedules(options?: CallOptions): Promise<types.Envelope<Array<types.Schedule>>>;

  /**
   * How runs go: now, in a period (by default the last day), by workflow, by step, and what waits
   * for people.
   */
  analyzeRuns(
    options?: CallOptions & {
      workflow?: string;
      from?: string;
      to?: string;
      bucket?: "minute" | "hour" | "day";
    },
  ): Promise<types.Envelope<types.RunFigures>>;

  /**
   * Unusual days of the latest, today left out: of the runs, in all or of a workflow, or of what a
   * FHIR search finds by a date. Each with its value, what is usual on that weekday, and the
   * distance.
   */
  findAnomalies(
    options?: CallOptions & { workflow?: string; search?: string; by?: string; days?: number },
  ): Promise<types.Envelope<types.Anomalies>>;

  /**
   * The KPIs of a workflow over the runs that ended in a period, by default the last 30 days. Those
   * over outputs also need `run:read`.
   */
  measureWorkflow(
    workflowId: string,
    options?: CallOptions & { from?: string; to?: string },
  ): Promise<types.Envelope<types.Kpis>>;

  /** What an order to many runs would do, counted; it takes what `controlRuns` takes. */
  previewRuns(
    body: types.PreviewsOrder,
    options?: CallOptions,
  ): Promise<types.Envelope<types.RunPreviews>>;

  /** What a retry, a replay, a rollback or a cancellation would do to a run; nothing is done. */
  previewRun(
    runId: string,
    body: types.PreviewOrder,
    options?: CallOptions,
  ): Promise<types.Envelope<types.RunPreview>>;
}

/** Operations on versions. */
export declare class VersionsOperations extends Operations {
  /** A replay: how far it is, which fields changed in how many runs, and each run's changes. */
  getReplay(replayId: string, options?: CallOptions): Promise<types.Envelope<types.Replay>>;

  /** Stop a replay; what it found stays. */
  cancelReplay(replayId: string, options?: CallOptions): Promise<types.Envelope<types.Replay>>;

  /** Do past runs again on a version or a draft, in memory: nothing is written, sent or asked. */
  replayRuns(
    workflowId: string,
    body?: types.ReplayOrder,
    options?: CallOptions & { idempotencyKey?: string },
  ): Promise<types.Envelope<types.Replay>>;

  /** Every version, newest first, with the runs under way on each. */
  listVersions(
    workflowId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<Array<types.VersionSummary>>>;

  /** One version: definition, source, who deployed it and when. */
  getVersion(
    workflowId: string,
    number: number | string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Version>>;

  /**
   * What changed in meaning between two versions, in words and as data; without numbers, the newest
   * against the one before.
   */
  compareVersions(
    workflowId: string,
    options?: CallOptions & { from?: number; to?: number },
  ): Promise<types.Envelope<types.Difference>>;

  /** Deploy the content of an older version as a new one. */
  rollbackWorkflow(
    workflowId: string,
    body: types.VersionChosen,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Deployed>>;

  /**
   * Move unfinished runs from one version to another, as far as each can go on there; with `dryRun`
   * it only says what would become of each.
   */
  migrateRuns(
    workflowId: string,
    body: types.MigrationOrder,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Migration>>;
}

/** Operations on drafts. */
export declare class DraftsOperations extends Operations {
  /**
   * Try one `step` of a `definition` on `pinned` data with every effect off: its input as
   * evaluated, its output or what it would have done.
   */
  tryStep(body: types.StepTry, options?: CallOptions): Promise<types.Envelope<types.StepTried>>;

  /**
   * Names and JSON types that expressions of a `definition` may read, by step; with `step` those of
   * that one, as one list.
   */
  outlineWorkflow(
    body: types.OutlineAsked,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Outline | types.OutlineOfStep>>;

  /**
   * A draft from words, `text`; with a `definition`, what that would become. By the configured
   * language model, else by a matcher; what is missing is named, and nothing is deployed.
   */
  describeWorkflow(
    body: types.WordsGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Proposal>>;

  /** Drafts of the store without their content, the last changed first. */
  listDrafts(
    options?: CallOptions & { workflow?: string; limit?: number },
  ): Promise<types.Envelope<Array<types.DraftSummary>>>;

  /** Begin a draft from a source, a shipped template or the newest version of a workflow. */
  createDraft(body: types.DraftBegun, options?: CallOptions): Promise<types.Envelope<types.Draft>>;

  /** A draft; its revision is the ETag. Pinned data are shown with run:read. */
  getDraft(draftId: string, options?: CallOptions): Promise<types.Envelope<types.Draft>>;

  /**
   * Save a draft on top of the revision in If-Match (or `revision`); what is left out stays as it
   * is. 409 names who was faster, and what was sent is kept aside in the history.
   */
  saveDraft(
    draftId: string,
    body: types.DraftSaved,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Draft>>;

  /** Delete a draft with its history; with If-Match only at that revision. */
  deleteDraft(draftId: string, options?: CallOptions): Promise<types.Envelope<types.DraftId>>;

  /** Its revisions, newest first: who, when, names, what was published or kept aside. */
  listDraftHistory(
    draftId: string,
    options?: CallOptions & { before?: number; limit?: number },
  ): Promise<types.Envelope<Array<types.DraftRevision>>>;

  /** The draft as it was at one revision. */
  getDraftRevision(
    draftId: string,
    number: number | string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Draft>>;

  /** Give a revision a name, so that it is kept; null takes it away. */
  nameDraftRevision(
    draftId: string,
    number: number | string,
    body: types.DraftRevisionName,
    options?: CallOptions,
  ): Promise<types.Envelope<types.DraftRevision>>;

  /** Make an older `revision` the newest one; nothing of the history goes. */
  restoreDraft(
    draftId: string,
    body: types.DraftRestored,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Draft>>;

  /**
   * Deploy the draft; the answer has the difference in meaning and the report. `dryRun` only says
   * them; `over` is the version that it may replace when others have deployed meanwhile.
   */
  publishDraft(
    draftId: string,
    body?: types.DraftPublish,
    options?: CallOptions & { mode?: "compat" | "strict" },
  ): Promise<types.Envelope<types.DraftPublished>>;

  /**
   * Start a run of the draft, marked as a test: from an `input`, a `sample` event, the input of a
   * past `run`, or the pinned trigger. `effects`: store, all or off.
   */
  testDraft(
    draftId: string,
    body?: types.DraftTest,
    options?: CallOptions,
  ): Promise<types.Envelope<types.DraftTested>>;

  /** Every shipped template: what it does, what it begins with, what it needs. */
  listTemplates(options?: CallOptions): Promise<types.Envelope<Array<types.Template>>>;

  /** One template with its YAML and a sample input. */
  getTemplate(name: string, options?: CallOptions): Promise<types.Envelope<types.TemplateDetail>>;

  /** Every sample event that a draft can be tested with. */
  listSamples(options?: CallOptions): Promise<types.Envelope<Array<types.Sample>>>;
}

/** Operations on components. */
export declare class ComponentsOperations extends Operations {
  /** Every component of the store, newest versions. */
  listComponents(options?: CallOptions): Promise<types.Envelope<Array<types.Component>>>;

  /** One component, and the workflows that use it. */
  getComponent(
    kind: string,
    name: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.ComponentDetail>>;

  /**
   * Keep a new version, unless nothing changed. The answer names the workflows that use it; their
   * deployed versions stay as they are until they are deployed again: `redeploy` does it.
   */
  putComponent(
    kind: string,
    name: string,
    body: types.JsonObject,
    options?: CallOptions & { redeploy?: boolean },
  ): Promise<types.Envelope<types.ComponentKept>>;

  /** Keep it no longer; 409 while workflows use it. */
  deleteComponent(
    kind: string,
    name: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.ComponentName>>;
}

/** Operations on models. */
export declare class ModelsOperations extends Operations {
  /** The language models of the store, with the facts of each. */
  listModels(options?: CallOptions): Promise<types.Envelope<Array<types.AiModel>>>;

  /** One language model. 404 lists those there are when there is none of the name. */
  getModel(name: string, options?: CallOptions): Promise<types.Envelope<types.AiModel>>;

  /** Configure a language model: who serves it, what it may see, where it runs. */
  putModel(
    name: string,
    body: types.AiModelGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.AiModelPut>>;

  /** Configure it no longer: from here on it is asked by nobody. */
  deleteModel(name: string, options?: CallOptions): Promise<types.Envelope<types.AiModelDeleted>>;

  /** Ask the model a word that carries nothing: does it answer, and how long does it take? */
  testModel(name: string, options?: CallOptions): Promise<types.Envelope<types.AiModelTest>>;

  /** Calls of language models, newest first: hashes, tokens, cost and time; not what was said. */
  listAiCalls(
    options?: CallOptions & {
      run?: string;
      session?: string;
      worker?: string;
      model?: string;
      before?: string;
      limit?: number;
    },
  ): Promise<types.Envelope<Array<types.AiCall>>>;

  /** One call with what was asked and answered; that it was read is audited. */
  getAiCall(callId: string, options?: CallOptions): Promise<types.Envelope<types.AiCallWhole>>;

  /** The text with placeholders, and what was found where. Nothing of it is kept. */
  redactText(
    body: types.RedactionGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Redaction>>;
}

/** Operations on worker. */
export declare class WorkerOperations extends Operations {
  /** The workers of the store, in their newest versions. */
  listWorkers(options?: CallOptions): Promise<types.Envelope<Array<types.AiWorker>>>;

  /** Make a worker: a model, instructions, tools and bounds. The same again is the same worker. */
  createWorker(
    body: types.AiWorkerGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.AiWorker>>;

  /** One worker, by id or name. */
  getWorker(workerId: string, options?: CallOptions): Promise<types.Envelope<types.AiWorker>>;

  /**
   * A new version, unless nothing changed; keys that are not given stay as they are. Sessions that
   * there are keep their version.
   */
  updateWorker(
    workerId: string,
    body: types.AiWorkerChange,
    options?: CallOptions,
  ): Promise<types.Envelope<types.AiWorker>>;

  /** Every version of a worker, newest first. */
  listWorkerVersions(
    workerId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<Array<types.AiWorkerVersion>>>;
}

/** Operations on session. */
export declare class SessionOperations extends Operations {
  /** Begin a conversation with a worker; `metadata.patientId` pins it to that patient. */
  createSession(
    body: types.AiSessionGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.AiSession>>;

  /** Conversations, newest first. */
  listSessions(
    options?: CallOptions & { worker?: string; patient?: string; before?: string; limit?: number },
  ): Promise<types.Envelope<Array<types.AiSession>>>;

  /** A session: of a conversation, or of a run, with what was said, derived from the journal. */
  getSession(sessionId: string, options?: CallOptions): Promise<types.Envelope<types.Session>>;

  /**
   * Say something. The message is kept and its task begun when this answers; with `wait`, the
   * answer comes along when it is there within so many seconds.
   */
  sendMessage(
    sessionId: string,
    body: types.AiMessageGiven,
    options?: CallOptions & { wait?: number; idempotencyKey?: string },
  ): Promise<types.Envelope<types.AiMessageSent>>;

  /** What was said in a conversation, oldest first; page with the last `turn` as `after`. */
  listSessionMessages(
    sessionId: string,
    options?: CallOptions & { after?: number; limit?: number },
  ): Promise<types.Envelope<Array<types.AiMessage>>>;

  /** The tasks of a conversation, one for each message, oldest first. */
  listSessionTasks(
    sessionId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<Array<types.AiTask>>>;

  /** One task: its answer, the tool calls that it waits for, or why it failed. */
  getSessionTask(
    sessionId: string,
    taskId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.AiTask>>;

  /** Hand in what your own functions gave; the task goes on. */
  submitToolOutputs(
    sessionId: string,
    taskId: string,
    body: types.AiOutputsGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.AiTask>>;

  /** Cancel a task that is open. */
  cancelSessionTask(
    sessionId: string,
    taskId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.AiTask>>;

  /** Take up a task that failed or was cancelled; received answers are not asked for again. */
  resumeSessionTask(
    sessionId: string,
    taskId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.AiTask>>;

  /** End a conversation: open tasks are cancelled, and no message is taken. */
  cancelSession(sessionId: string, options?: CallOptions): Promise<types.Envelope<types.AiSession>>;

  /** Let a cancelled conversation take messages again. */
  resumeSession(sessionId: string, options?: CallOptions): Promise<types.Envelope<types.AiSession>>;
}

/** Operations on knowledge. */
export declare class KnowledgeOperations extends Operations {
  /** The collections of the store, with how much they hold and how much of it is embedded. */
  listKnowledgeCollections(
    options?: CallOptions,
  ): Promise<types.Envelope<Array<types.KnowledgeCollection>>>;

  /**
   * Make a collection, or change its description, language or embedding model; what is not given
   * stays.
   */
  putKnowledgeCollection(
    collection: string,
    body: types.KnowledgeCollectionGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.KnowledgeCollection>>;

  /** The documents of a collection, without their texts. */
  listKnowledgeDocuments(
    collection: string,
    options?: CallOptions,
  ): Promise<types.Envelope<Array<types.KnowledgeDocument>>>;

  /** Delete a collection with all it holds. */
  deleteKnowledgeCollection(
    collection: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.KnowledgeCollectionName>>;

  /**
   * The passages that answer best, by words and, where the collection has a model, by meaning. The
   * question holds no patient data.
   */
  searchKnowledge(
    collection: string,
    options?: CallOptions & { q?: string; limit?: number },
  ): Promise<types.Envelope<types.KnowledgeFound>>;

  /**
   * Make the embeddings that are missing, or of another model than the collection's, for at most 30
   * seconds; `pending` are those that are left.
   */
  reindexKnowledge(
    collection: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.KnowledgeReindexed>>;

  /**
   * Keep a document: Markdown, plain text or PDF, by its Content-Type. Another content is a new
   * version.
   */
  putKnowledgeDocument(
    collection: string,
    documentId: string,
    content: Content,
    options?: CallOptions & { title?: string },
  ): Promise<types.Envelope<types.KnowledgeDocument>>;

  /** A document with its text, as it is now or was in a version. */
  getKnowledgeDocument(
    collection: string,
    documentId: string,
    options?: CallOptions & { version?: number },
  ): Promise<types.Envelope<types.KnowledgeDocumentWhole>>;

  /** Delete a document with all its versions. */
  deleteKnowledgeDocument(
    collection: string,
    documentId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.KnowledgeDocumentName>>;
}

/** Operations on task. */
export declare class TaskOperations extends Operations {
  /** Human tasks that the key may see: open ones first, the most urgent and soonest due first. */
  listTasks(
    options?: CallOptions & {
      status?: "open" | "requested" | "accepted" | "completed" | "rejected" | "cancelled";
      queue?: string;
      group?: string;
      mine?: boolean;
      unassigned?: boolean;
      assignee?: string;
      overdue?: boolean;
      sla?: "warning" | "breached";
      priority?: "stat" | "asap" | "urgent" | "routine";
      kind?: "task" | "form" | "approval";
      workflow?: string;
      run?: string;
      patient?: string;
      snoozed?: boolean;
      sort?: "priority" | "age";
      after?: string;
      limit?: number;
    },
  ): Promise<types.Envelope<Array<types.Task>>>;

  /** Open tasks by queue, of those that the key may see. */
  countTasks(options?: CallOptions): Promise<types.Envelope<Array<types.QueueCounts>>>;

  /** Take the most urgent task that nobody has: {"queue"?, "kind"?}; null when there is none. */
  claimNextTask(
    body?: types.NextGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.TaskDetail | null>>;

  /**
   * One human task with what it shows, its comments, votes, draft and decision; its form in one of
   * its languages.
   */
  getTask(
    taskId: string,
    options?: CallOptions & { lang?: string },
  ): Promise<types.Envelope<types.TaskDetail>>;

  /** Put a task off for oneself until a time; others see it as before. */
  snoozeTask(
    taskId: string,
    body: types.SnoozeGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Snoozed>>;

  /** Every transition of a task with who and when, from the audit trail. */
  getTaskHistory(
    taskId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<Array<types.TaskEvent>>>;

  /** Take a task; 409 when somebody else was faster. */
  claimTask(taskId: string, options?: CallOptions): Promise<types.Envelope<types.TaskDetail>>;

  /** Let a task go, so that others may take it. */
  releaseTask(taskId: string, options?: CallOptions): Promise<types.Envelope<types.TaskDetail>>;

  /** Give a task to a user, a group or another queue. */
  assignTask(
    taskId: string,
    body: types.TaskTarget,
    options?: CallOptions,
  ): Promise<types.Envelope<types.TaskChanged>>;

  /** Hand one's own task to somebody else, with a comment; the history keeps who had it. */
  delegateTask(
    taskId: string,
    body: types.TaskTarget,
    options?: CallOptions,
  ): Promise<types.Envelope<types.TaskChanged>>;

  /** Add a comment, sealed, for everybody who sees the task. */
  commentTask(
    taskId: string,
    body: types.Comment,
    options?: CallOptions,
  ): Promise<types.Envelope<types.TaskDetail>>;

  /** Keep answers that are not finished: {"data"} or {"answers"}, unchecked and sealed. */
  draftTask(
    taskId: string,
    body: types.Draft,
    options?: CallOptions,
  ): Promise<types.Envelope<types.TaskChanged>>;

  /** Approve, reject or complete a task; the waiting run goes on. */
  decideTask(
    taskId: string,
    body: types.Decision,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Decided>>;

  /**
   * Messages that were sent, or captured for want of a connection, newest first; page with the last
   * id as `before`.
   */
  listMessages(
    options?: CallOptions & { run?: string; before?: string; limit?: number },
  ): Promise<types.Envelope<Array<types.Message>>>;

  /** What needs a look, grouped by cause, open ones first; page with the last id as `before`. */
  listIncidents(
    options?: CallOptions & { status?: "open" | "closed"; before?: string; limit?: number },
  ): Promise<types.Envelope<Array<types.Incident>>>;

  /** Say that somebody has looked; the same cause opens a new incident when it comes again. */
  closeIncident(
    incidentId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.IncidentClosed>>;

  /** The queues that were named, with those who may see and do their tasks. */
  listQueues(options?: CallOptions): Promise<types.Envelope<Array<types.Queue>>>;

  /** Name a queue and say who may see and do its tasks. */
  putQueue(
    queue: string,
    body: types.QueueGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Queue>>;

  /** The groups with their members. */
  listGroups(options?: CallOptions): Promise<types.Envelope<Array<types.Group>>>;

  /** Name a group and its members. */
  putGroup(
    group: string,
    body: types.GroupGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Group>>;

  /** The business calendars by name. */
  listCalendars(options?: CallOptions): Promise<types.Envelope<Array<types.CalendarName>>>;

  /** The rules of a business calendar. */
  getCalendar(name: string, options?: CallOptions): Promise<types.Envelope<types.Calendar>>;

  /** Keep opening hours, holidays and days that differ; tasks that are open keep their times. */
  putCalendar(
    name: string,
    body: types.Calendar,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Calendar>>;

  /** A link by which somebody without a key fills the form of a task; shown this once. */
  linkForm(
    taskId: string,
    body: types.FormLinkGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.FormLink>>;

  /** The form behind a link, with what it begins with and what was kept of it before. */
  getForm(
    token: string,
    options?: CallOptions & { lang?: string },
  ): Promise<types.Envelope<types.Form>>;

  /** Complete the form behind a link, once: {"data": {linkId: value}} or {"answers": …}. */
  fillForm(
    token: string,
    body: types.FormAnswers,
    options?: CallOptions,
  ): Promise<types.Envelope<types.FormFilled>>;

  /** Keep answers that are not finished; the link goes on with them on any device. */
  draftForm(
    token: string,
    body: types.FormDraft,
    options?: CallOptions,
  ): Promise<types.Envelope<types.FormSaved>>;

  /** What follows from the answers so far: calculated values, and which questions are asked. */
  calculateForm(
    token: string,
    body: types.AnswersSoFar,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Calculated>>;

  /** Options of a value set that the form names. */
  listFormOptions(
    token: string,
    options?: CallOptions & { valueSet?: string; find?: string; lang?: string },
  ): Promise<types.Envelope<types.FormOptions>>;

  /** Hand in a file for a question: the body. The answer is the Attachment to answer with. */
  attachToForm(
    token: string,
    content: Content,
    options?: CallOptions & { question?: string; name?: string },
  ): Promise<types.Envelope<types.Attachment>>;

  /** The form of a task in one of its languages, with the options of its value sets. */
  getTaskForm(
    taskId: string,
    options?: CallOptions & { lang?: string },
  ): Promise<types.Envelope<types.TaskForm>>;

  /** What follows from the answers so far: calculated values, and which questions are asked. */
  calculateTask(
    taskId: string,
    body: types.AnswersSoFar,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Calculated>>;

  /** Options of a value set that the form names. */
  listTaskOptions(
    taskId: string,
    options?: CallOptions & { valueSet?: string; find?: string; lang?: string },
  ): Promise<types.Envelope<types.FormOptions>>;

  /** Hand in a file for a question: the body. The answer is the Attachment to answer with. */
  attachToTask(
    taskId: string,
    content: Content,
    options?: CallOptions & { question?: string; name?: string },
  ): Promise<types.Envelope<types.Attachment>>;

  /** A file that was handed in with a form; the reading is audited. */
  readTaskAttachment(
    taskId: string,
    attachmentId: string,
    options?: CallOptions,
  ): Promise<Uint8Array>;
}

/** Operations on pipelines. */
export declare class PipelinesOperations extends Operations {
  /** The newest version of every pipeline. */
  listPipelines(options?: CallOptions): Promise<types.Envelope<Array<types.Kept>>>;

  /** Keep a pipeline; the same content again makes no new version. */
  putPipeline(
    name: string,
    body: types.PipelineGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.PipelinePut>>;

  /** A pipeline with what its last runs have moved so far, its streams and its quarantine. */
  getPipeline(name: string, options?: CallOptions): Promise<types.Envelope<types.Pipeline>>;

  /** Rows that could not be taken in, with their content, oldest first; the reading is audited. */
  listPipelineRejects(
    name: string,
    options?: CallOptions & { after?: string; limit?: number },
  ): Promise<types.Envelope<Array<types.PipelineReject>>>;

  /** Hand rows of the quarantine, corrected or as they are, to the next run of the pipeline. */
  resubmitPipelineRejects(
    name: string,
    body: types.RejectsGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Resubmitted>>;

  /** The newest version of every decision table. */
  listDecisionTables(options?: CallOptions): Promise<types.Envelope<Array<types.Kept>>>;

  /** Keep a decision table; one with a gap or a forbidden overlap is refused with an example. */
  putDecisionTable(
    name: string,
    body: types.DecisionTableGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.DecisionTablePut>>;

  /** A decision table, with its version and hash. */
  getDecisionTable(
    name: string,
    options?: CallOptions & { version?: number },
  ): Promise<types.Envelope<types.DecisionTable>>;
}

/** Operations on file. */
export declare class FileOperations extends Operations {
  /** Multipart upload of one file under `file`; its type is read from its bytes. */
  uploadFile(file: Blob, options?: CallOptions): Promise<types.Envelope<types.StoredFile>>;

  /** Store the body under a bucket and name: `dicom://…` or `file://…` afterwards. */
  putFile(
    bucket: string,
    name: string,
    content: Content,
    options?: CallOptions,
  ): Promise<types.Envelope<types.StoredFile>>;

  /** The stored bytes of `file://{bucket}/{name}`; the reading is audited. */
  readFile(bucket: string, name: string, options?: CallOptions): Promise<Uint8Array>;

  /** The newest orders. */
  listDeidentifications(
    options?: CallOptions,
  ): Promise<types.Envelope<Array<types.DeidentificationSummary>>>;

  /** Make a copy of a study without its patient, in the archive as a study of its own. */
  deidentifyStudy(
    body: types.DeidentificationOrder,
    options?: CallOptions & { idempotencyKey?: string },
  ): Promise<types.Envelope<types.Deidentification>>;

  /** An order: how far it is, and what was done to each object. */
  getDeidentification(
    deidentificationId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Deidentification>>;

  /** Stop an order; the copies that were stored stay. */
  cancelDeidentification(
    deidentificationId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Deidentification>>;

  /** The copies as a zip: `<study>/<series>/<instance>.dcm`. */
  downloadDeidentification(deidentificationId: string, options?: CallOptions): Promise<Uint8Array>;
}

/** Operations on connection. */
export declare class ConnectionOperations extends Operations {
  /** Every connection, without secrets, with what this process knows of its health. */
  listConnections(options?: CallOptions): Promise<types.Envelope<Array<types.Connection>>>;

  /** Keep a connection of any kind; secrets are sealed and never shown. */
  putConnection(
    connectionId: string,
    body: types.ConnectionGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Connection>>;

  /** Ask the peer for a sign of life, with the connection's credentials; nothing is sent on. */
  testConnection(
    connectionId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.ConnectionTest>>;
}

/** Operations on evaluation. */
export declare class EvaluationOperations extends Operations {
  /**
   * By workflow, step, model and version: how often people agreed with what was suggested, with its
   * interval, and whether the stated confidence kept its word; of the latest 1,000 decided tasks
   * that the key may see.
   */
  listEvaluations(
    options?: CallOptions & { workflow?: string },
  ): Promise<types.Envelope<Array<types.Evaluation>>>;

  /**
   * Measure a step of a workflow, a worker or a model on a gold set, with every effect off; one of
   * the same content that has not ended is gone on with.
   */
  startEvaluation(
    body: types.EvaluationGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.EvaluationRun>>;

  /** What was measured, the latest first. */
  listEvaluationRuns(
    options?: CallOptions & { goldSet?: string; subject?: string; limit?: number },
  ): Promise<types.Envelope<Array<types.EvaluationRun>>>;

  /**
   * One: how far it is, its measures with intervals, the reliability curve, failing cases by id.
   */
  getEvaluationRun(
    evaluationId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.EvaluationRun>>;

  /** What one case was answered, beside what was expected. */
  getEvaluationCase(
    evaluationId: string,
    caseId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.EvaluationCase>>;

  /** Stop one; it counts for nothing. */
  cancelEvaluation(
    evaluationId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.EvaluationRun>>;

  /**
   * The confidence below which a person should look, by what errors and a review cost; by the gold
   * set's costs when none are given.
   */
  chooseThreshold(
    evaluationId: string,
    options?: CallOptions & { falsePositive?: number; falseNegative?: number; review?: number },
  ): Promise<types.Envelope<types.EvaluationThreshold>>;

  /**
   * Two evaluations on one gold set case by case: gained, lost, the difference with its interval,
   * and whether it may be chance.
   */
  compareEvaluations(
    options?: CallOptions & { before?: string; after?: string },
  ): Promise<types.Envelope<types.EvaluationComparison>>;

  /** The gold sets of the store, with their sizes and gates. */
  listGoldSets(options?: CallOptions): Promise<types.Envelope<Array<types.GoldSet>>>;

  /** One, without its cases. */
  getGoldSet(name: string, options?: CallOptions): Promise<types.Envelope<types.GoldSet>>;

  /** Make one, or change its settings; with `cases` these take the place of all there are. */
  putGoldSet(
    name: string,
    body: types.GoldSetGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.GoldSet>>;

  /** Take one away with its cases and gates; what was measured on it stays. */
  deleteGoldSet(name: string, options?: CallOptions): Promise<types.Envelope<types.GoldSetDeleted>>;

  /** Its cases by id: input, what is expected, and of reviewed ones what the AI had said. */
  listGoldCases(
    name: string,
    options?: CallOptions & { after?: string; limit?: number },
  ): Promise<types.Envelope<Array<types.GoldCase>>>;

  /**
   * Add cases, as `cases`, or from tasks that people decided, as `fromTasks`: what the AI was
   * given, with the reviewer's words as what is right.
   */
  addGoldCases(
    name: string,
    body: types.GoldCasesGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.GoldCasesAdded>>;

  /** Take one case out. */
  deleteGoldCase(
    name: string,
    caseId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.GoldCaseDeleted>>;

  /**
   * What must be measured on this gold set, and how well, before a workflow is deployed; in place
   * of the gates there were.
   */
  putEvaluationGates(
    name: string,
    body: types.EvaluationGates,
    options?: CallOptions,
  ): Promise<types.Envelope<types.EvaluationGates>>;

  /** The trained models of the store, and the predictions that come with Careloom. */
  listTrainedModels(options?: CallOptions): Promise<types.Envelope<Array<types.TrainedModel>>>;

  /** One with its versions, the latest first. */
  getTrainedModel(
    name: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.TrainedModelVersions>>;

  /**
   * Declare a model: what it looks at, what it learns. Versions that are there stay as they are.
   */
  putTrainedModel(
    name: string,
    body: types.TrainedModelGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.TrainedModelVersions>>;

  /**
   * Train a version: a classifier on the cases of a gold set, a prediction on the records that the
   * key may read. It is measured beside the running version, and answers nowhere before it is
   * promoted.
   */
  trainModel(
    name: string,
    body?: types.TrainingGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.TrainedVersion>>;

  /**
   * One version: how far its training is, its card, how it compares with the one that was running
   * then, and how many patients it learned from were erased since.
   */
  getTrainedVersion(
    name: string,
    version: number | string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.TrainedVersion>>;

  /**
   * Let a version answer from here on, an earlier one too. 422 with the failing cases when a gate
   * does not let it pass.
   */
  promoteTrainedVersion(
    name: string,
    version: number | string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.TrainedPromotion>>;

  /**
   * Forget what a version learned: it never answers again, its card stays. 409 for the running one.
   */
  withdrawTrainedVersion(
    name: string,
    version: number | string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.TrainedVersion>>;

  /** How the watch looks, what it knows of each model in each step, and demotions. */
  getDrift(options?: CallOptions): Promise<types.Envelope<types.Drift>>;

  /** How the watch looks from here on; what is not given is as shipped. */
  putDriftSettings(
    body: types.DriftSettingsGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.DriftSettings>>;

  /** Let a model's word count for nothing in a workflow, until somebody lifts it. */
  demoteModel(
    body: types.DemotionGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<Array<types.Demotion>>>;

  /** Trust the model again, for a `reason`; the watch takes its next cases as the reference. */
  liftDemotion(
    demotionId: string,
    body: types.DemotionLifted,
    options?: CallOptions,
  ): Promise<types.Envelope<Array<types.Demotion>>>;
}

/** Operations on decisions. */
export declare class DecisionsOperations extends Operations {
  /** The AI decisions of a run, in the order in which they were made. */
  listDecisions(
    options?: CallOptions & { run?: string },
  ): Promise<types.Envelope<Array<types.DecisionListed>>>;

  /**
   * One decision: what answered, from what, which rules fired, who reviewed it, what was written,
   * and whether the audit rows it is rebuilt from are what was signed.
   */
  explainDecision(
    runId: string,
    path: string,
    options?: CallOptions & { iteration?: string },
  ): Promise<types.Envelope<types.DecisionExplained>>;
}

/** Operations on ai. */
export declare class AiOperations extends Operations {
  /**
   * How much each part of the image's centre square mattered, worked out anew: a grid of `size`
   * rows and columns, 0 to 1. 422 for an image that the model cannot assess, or a model that
   * explains nothing.
   */
  explainImage(
    options?: CallOptions & { uri?: string; model?: string },
  ): Promise<types.Envelope<types.ImageExplanation>>;
}

/** Operations on referral. */
export declare class ReferralOperations extends Operations {
  /** The text of a referral PDF, at most 500 characters, by OCR where need be. Nothing is kept. */
  uploadReferral(file: Blob, options?: CallOptions): Promise<types.ReferralText>;

  /**
   * Urgency and confidence of a referral, and whether the team was told. The same letter again gets
   * the first answer, and the team no second message. 503 when the team could not be told yet: the
   * referral is kept; send it again.
   */
  triageReferral(file: Blob, options?: CallOptions): Promise<types.Triage>;

  /** A triaged referral with its text: where the link in the team's notice leads. */
  getReferral(referralId: string, options?: CallOptions): Promise<types.Envelope<types.Referral>>;
}

/** Operations on identity. */
export declare class IdentityOperations extends Operations {
  /** Sign in to the pages with a key: sets the cookie, and ends the session there was before. */
  openBrowserSession(
    body: types.SignIn,
    options?: CallOptions,
  ): Promise<types.Envelope<types.SignedIn>>;

  /** Sign out: the session ends everywhere at once, and the cookie goes. */
  closeBrowserSession(options?: CallOptions): Promise<types.Envelope<types.BrowserSessionEnded>>;

  /** One's own sessions: which browsers are signed in, since when. */
  listBrowserSessions(options?: CallOptions): Promise<types.Envelope<Array<types.BrowserSession>>>;

  /** End all of one's own sessions but the one that asks. */
  closeOtherBrowserSessions(
    options?: CallOptions,
  ): Promise<types.Envelope<types.BrowserSessionsEnded>>;

  /** End one of one's own sessions, for example of a browser that was lost. */
  closeOneBrowserSession(
    browserSessionId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.BrowserSessionEnded>>;

  /** Who asks, where, and what they may do; in a browser session with its CSRF token. */
  getMe(options?: CallOptions): Promise<types.Envelope<types.Me>>;

  /** The keys there are, never their text: whose, with which roles, when used. */
  listKeys(options?: CallOptions): Promise<types.Envelope<Array<types.Key>>>;

  /**
   * A key for a principal, which is made when it is given roles or grants. The key is shown this
   * once.
   */
  createKey(body: types.KeyGiven, options?: CallOptions): Promise<types.Envelope<types.KeyMade>>;

  /** End a key for good, and the browser sessions that were opened with it. */
  revokeKey(keyId: string, options?: CallOptions): Promise<types.Envelope<types.KeyRevoked>>;

  /** Users and services with their roles and grants. */
  listPrincipals(options?: CallOptions): Promise<types.Envelope<Array<types.Principal>>>;

  /** Set the roles or the grants of a principal, or disable it; its keys and sessions follow. */
  changePrincipal(
    principalId: string,
    body: types.PrincipalChange,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Principal>>;

  /** The roles that there are with their grants, and those of the tenant's own. */
  listRoles(options?: CallOptions): Promise<types.Envelope<Array<types.Role>>>;

  /** Make or change a role of the tenant's own. */
  putRole(
    role: string,
    body: types.RoleGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Role>>;
}

/** Operations on data store. */
export declare class DataStoreOperations extends Operations {
  /** Make a FHIR store with its own base URL and key; the key is shown this once. */
  createFhirStore(
    body: types.FhirStoreGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.FhirStore>>;

  /** The tenant's FHIR stores. */
  listFhirStores(options?: CallOptions): Promise<types.Envelope<Array<types.FhirStore>>>;

  /** One FHIR store: where it is, and its state. */
  getFhirStore(serverId: string, options?: CallOptions): Promise<types.Envelope<types.FhirStore>>;

  /** Change the name, the description or the settings of a FHIR store. */
  updateFhirStore(
    serverId: string,
    body: types.FhirStoreChange,
    options?: CallOptions,
  ): Promise<types.Envelope<types.FhirStore>>;

  /** Delete a FHIR store; one that holds resources, only with `confirm` = its id. */
  deleteFhirStore(
    serverId: string,
    options?: CallOptions & { confirm?: string },
  ): Promise<types.Envelope<types.FhirStoreDeleted>>;

  /** Give a FHIR store a new key, shown this once; the one before ends. */
  renewFhirStoreKey(
    serverId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.FhirStore>>;
}

/** Operations on webhooks. */
export declare class WebhooksOperations extends Operations {
  /**
   * Take a signed delivery: kept, with its event, before this answers. A repeat of its id gets the
   * same answer and starts nothing again.
   */
  receiveWebhook(
    endpoint: string,
    path: string,
    body: types.Anything,
    options?: CallOptions,
  ): Promise<types.Envelope<types.Delivery>>;

  /** The store's address for webhooks, the paths that workflows listen at, its secrets by name. */
  listWebhooks(options?: CallOptions): Promise<types.Envelope<types.Webhooks>>;

  /**
   * Make or keep a signing secret; it is shown in this answer only. The earlier ones of the name
   * stay valid for a day, or for `keepPreviousFor` seconds, so that senders can change over.
   */
  putWebhookSecret(
    name: string,
    body?: types.WebhookSecretGiven,
    options?: CallOptions,
  ): Promise<types.Envelope<types.WebhookSecret>>;
}

/** Operations on work. */
export declare class WorkOperations extends Operations {
  /** Work that is not done, oldest first, without what it carries. */
  listWork(
    options?: CallOptions & { queue?: string; limit?: number },
  ): Promise<types.Envelope<Array<types.WorkOpen>>>;

  /** Take work of a queue under a lease; waits up to `wait` seconds for the first piece. */
  pollWork(
    queue: string,
    body?: types.WorkAsked,
    options?: CallOptions,
  ): Promise<types.Envelope<Array<types.Work>>>;

  /** A sign of life, which makes the lease whole again; `progress` is shown to whoever looks. */
  beatWork(
    workId: string,
    body: types.WorkBeat,
    options?: CallOptions,
  ): Promise<types.Envelope<types.WorkWanted>>;

  /** The work is done; the run goes on with `result`. 409 when the lease ran out. */
  completeWork(
    workId: string,
    body: types.WorkDone,
    options?: CallOptions,
  ): Promise<types.Envelope<types.WorkSettled>>;

  /** The work failed, for now (`retryable`) or for good. */
  failWork(
    workId: string,
    body: types.WorkFailed,
    options?: CallOptions,
  ): Promise<types.Envelope<types.WorkSettled>>;
}

/** Operations on operation. */
export declare class OperationOperations extends Operations {
  /** The process answers. */
  live(options?: CallOptions): Promise<types.Health>;

  /** The database answers too, and runs are carried out; 503 while one of them is not so. */
  ready(options?: CallOptions): Promise<types.Health>;

  /** Prometheus text; no patient data in any label. */
  metrics(options?: CallOptions): Promise<string>;

  /** Every step type with its schema: forms, verification and rollback all read it. */
  listStepTypes(options?: CallOptions): Promise<types.Envelope<Array<types.StepType>>>;
}

/** Operations on policy. */
export declare class PolicyOperations extends Operations {
  /**
   * Keep a new version of the policy file, unless nothing changed: YAML, or the same as JSON. It
   * holds from here on, at deployment and at run time; `affected` are deployed workflows that it
   * refuses, with why.
   */
  putPolicy(
    definition: types.Definition | string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.PolicyKept>>;

  /** The policy file that holds, or an earlier version, as it was written. */
  getPolicy(options?: CallOptions & { version?: number }): Promise<types.Envelope<types.Policy>>;

  /** Every version of the policy file, newest first. */
  listPolicyVersions(options?: CallOptions): Promise<types.Envelope<Array<types.PolicyVersion>>>;
}

/** Every group of operations. */
export declare class Groups {
  constructor(transport: Transport);
  workflow: WorkflowOperations;
  versions: VersionsOperations;
  drafts: DraftsOperations;
  components: ComponentsOperations;
  models: ModelsOperations;
  worker: WorkerOperations;
  session: SessionOperations;
  knowledge: KnowledgeOperations;
  task: TaskOperations;
  pipelines: PipelinesOperations;
  file: FileOperations;
  connection: ConnectionOperations;
  evaluation: EvaluationOperations;
  decisions: DecisionsOperations;
  ai: AiOperations;
  referral: ReferralOperations;
  identity: IdentityOperations;
  dataStore: DataStoreOperations;
  webhooks: WebhooksOperations;
  work: WorkOperations;
  operation: OperationOperations;
  policy: PolicyOperations;
}
