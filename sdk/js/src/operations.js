// Generated from the OpenAPI document by generate.py: change that, not this.
// @ts-nocheck
import { Operations, newKey, pick, place } from './transport.js';

/** Operations on workflow. */
export class WorkflowOperations extends Operations {
  /** Do one thing to many runs, named or found by a filter; the outcome of each. */
  controlRuns(body, options) {
    return this.send('POST', '/api/workflows/runs/bulk', options, { json: body });
  }

  /** Let a run and its children rest after the step they are at; a finished one is 422. */
  pauseRun(runId, options) {
    return this.send('POST', `/api/workflows/runs/${place('runId', runId)}/pause`, options);
  }

  /** Let a paused run and its children go on. */
  resumeRun(runId, options) {
    return this.send('POST', `/api/workflows/runs/${place('runId', runId)}/resume`, options);
  }

  /** Ask a run and its children to stop; a finished one is 422. */
  cancelRun(runId, options) {
    return this.send('POST', `/api/workflows/runs/${place('runId', runId)}/cancel`, options);
  }

  /** Undo the completed steps of a run, last first; also of one that has ended. */
  rollbackRun(runId, options) {
    return this.send('POST', `/api/workflows/runs/${place('runId', runId)}/rollback`, options);
  }

  /**
   * Start a run that takes this one's place: from the step that failed, or `from` another, with
   * another `input`, on another `version`.
   */
  retryRun(runId, body, options) {
    return this.send('POST', `/api/workflows/runs/${place('runId', runId)}/retry`, options, {
      json: body,
    });
  }

  /** What failed and waits for somebody: by cause, then one by one, newest first. */
  listDeadLetters(options) {
    return this.send('GET', '/api/workflows/dead-letters', options, {
      query: pick(options, 'workflow', 'code', 'version', 'step', 'before', 'limit'),
    });
  }

  /** One dead letter with what it was started with. */
  getDeadLetter(letterId, options) {
    return this.send('GET', `/api/workflows/dead-letters/${place('letterId', letterId)}`, options);
  }

  /** Send it again: an event to the workflow that could not read it; a run as `retryRun` does. */
  resendDeadLetter(letterId, body, options) {
    return this.send('POST', `/api/workflows/dead-letters/${place('letterId', letterId)}/resend`, options, {
      json: body,
    });
  }

  /** Let it be, with a reason. */
  discardDeadLetter(letterId, body, options) {
    return this.send('POST', `/api/workflows/dead-letters/${place('letterId', letterId)}/discard`, options, {
      json: body,
    });
  }

  /** Runs, newest first; page with the last id as `before`. */
  listRuns(options) {
    return this.send('GET', '/api/workflows/runs', options, {
      query: pick(options, 'workflow', 'status', 'version', 'code', 'text', 'parent', 'from', 'to', 'before', 'limit', 'gantt'),
    });
  }

  /** One run: steps, attempts, output, error, cause, timings. Of a long run a page of steps. */
  getRun(runId, options) {
    return this.send('GET', `/api/workflows/runs/${place('runId', runId)}`, options, {
      query: pick(options, 'after', 'limit'),
    });
  }

  /** The run's audit rows with the chain's proof; by Accept JSON, NDJSON, CSV or FHIR. */
  getRunAudit(runId, options) {
    return this.send('GET', `/api/workflows/runs/${place('runId', runId)}/audit`, options);
  }

  /** When each step, attempt and wait of a run took place; no payloads. */
  getRunTimeline(runId, options) {
    return this.send('GET', `/api/workflows/runs/${place('runId', runId)}/timeline`, options, {
      query: pick(options, 'after', 'limit'),
    });
  }

  /** JSON Schema 2020-12 of a definition, with every step type of this installation. */
  getWorkflowSchema(options) {
    return this.send('GET', '/api/workflows/schema', options);
  }

  /**
   * Which workflow may start which, by what it writes or as its child: cascades, loops, and
   * orphans, which nothing starts.
   */
  getTriggerGraph(options) {
    return this.send('GET', '/api/workflows/graph', options);
  }

  /** Deploy a workflow from YAML or JSON; the answer carries receipts of repairs. */
  createWorkflow(definition, options) {
    return this.send('POST', '/api/workflows', options, {
      query: pick(options, 'mode'),
      json: typeof definition === 'string' ? { yaml: definition } : definition,
    });
  }

  /** Every workflow of the store, newest versions. */
  listWorkflows(options) {
    return this.send('GET', '/api/workflows', options);
  }

  /** What a deployment would say; nothing is stored. */
  validateWorkflow(definition, options) {
    return this.send('POST', '/api/workflows/validate', options, {
      query: pick(options, 'mode'),
      json: typeof definition === 'string' ? { yaml: definition } : definition,
    });
  }

  /** One workflow: canonical definition, and the source as it was handed in. */
  getWorkflow(workflowId, options) {
    return this.send('GET', `/api/workflows/${place('workflowId', workflowId)}`, options);
  }

  /** Deploy a new version of a workflow. */
  updateWorkflow(workflowId, definition, options) {
    return this.send('PUT', `/api/workflows/${place('workflowId', workflowId)}`, options, {
      query: pick(options, 'mode'),
      json: typeof definition === 'string' ? { yaml: definition } : definition,
    });
  }

  /**
   * Start a run; the body becomes `trigger`. 422 when the input misses what the steps need. With an
   * Idempotency-Key the same request again is answered, with 200, by the run that there is.
   */
  executeWorkflow(workflowId, body, options) {
    return this.send('POST', `/api/workflows/${place('workflowId', workflowId)}/execute`, options, {
      headers: { 'Idempotency-Key': options?.idempotencyKey ?? newKey() },
      json: body,
    });
  }

  /**
   * Let no event start a run of it until it is resumed, whatever is deployed; what happens
   * meanwhile starts none later either. Runs that are under way go on, and execute still works.
   */
  pauseWorkflow(workflowId, options) {
    return this.send('POST', `/api/workflows/${place('workflowId', workflowId)}/pause`, options);
  }

  /** Let events start runs of it again. */
  resumeWorkflow(workflowId, options) {
    return this.send('POST', `/api/workflows/${place('workflowId', workflowId)}/resume`, options);
  }

  /**
   * Send an event by name and key to the run that has waited longest for it; one that no run waits
   * for yet is kept. An `Idempotency-Key`, or `id` in the body, makes a repeat harmless.
   */
  sendEvent(name, body, options) {
    return this.send('POST', `/api/events/${place('name', name)}`, options, {
      headers: { 'Idempotency-Key': options?.idempotencyKey ?? newKey() },
      json: body,
    });
  }

  /** Every schedule of the store: its next five times, its last firing, what it missed. */
  listSchedules(options) {
    return this.send('GET', '/api/schedules', options);
  }

  /**
   * How runs go: now, in a period (by default the last day), by workflow, by step, and what waits
   * for people.
   */
  analyzeRuns(options) {
    return this.send('GET', '/api/analytics/runs', options, {
      query: pick(options, 'workflow', 'from', 'to', 'bucket'),
    });
  }

  /**
   * Unusual days of the latest, today left out: of the runs, in all or of a workflow, or of what a
   * FHIR search finds by a date. Each with its value, what is usual on that weekday, and the
   * distance.
   */
  findAnomalies(options) {
    return this.send('GET', '/api/analytics/anomalies', options, {
      query: pick(options, 'workflow', 'search', 'by', 'days'),
    });
  }

  /**
   * The KPIs of a workflow over the runs that ended in a period, by default the last 30 days. Those
   * over outputs also need `run:read`.
   */
  measureWorkflow(workflowId, options) {
    return this.send('GET', `/api/workflows/${place('workflowId', workflowId)}/kpis`, options, {
      query: pick(options, 'from', 'to'),
    });
  }

  /** What an order to many runs would do, counted; it takes what `controlRuns` takes. */
  previewRuns(body, options) {
    return this.send('POST', '/api/workflows/runs/preview', options, { json: body });
  }

  /** What a retry, a replay, a rollback or a cancellation would do to a run; nothing is done. */
  previewRun(runId, body, options) {
    return this.send('POST', `/api/workflows/runs/${place('runId', runId)}/preview`, options, {
      json: body,
    });
  }
}

/** Operations on versions. */
export class VersionsOperations extends Operations {
  /** A replay: how far it is, which fields changed in how many runs, and each run's changes. */
  getReplay(replayId, options) {
    return this.send('GET', `/api/workflows/replays/${place('replayId', replayId)}`, options);
  }

  /** Stop a replay; what it found stays. */
  cancelReplay(replayId, options) {
    return this.send('POST', `/api/workflows/replays/${place('replayId', replayId)}/cancel`, options, {
    });
  }

  /** Do past runs again on a version or a draft, in memory: nothing is written, sent or asked. */
  replayRuns(workflowId, body, options) {
    return this.send('POST', `/api/workflows/${place('workflowId', workflowId)}/replay`, options, {
      headers: { 'Idempotency-Key': options?.idempotencyKey ?? newKey() },
      json: body,
    });
  }

  /** Every version, newest first, with the runs under way on each. */
  listVersions(workflowId, options) {
    return this.send('GET', `/api/workflows/${place('workflowId', workflowId)}/versions`, options);
  }

  /** One version: definition, source, who deployed it and when. */
  getVersion(workflowId, number, options) {
    return this.send('GET', `/api/workflows/${place('workflowId', workflowId)}/versions/${place('number', number)}`, options, {
    });
  }

  /**
   * What changed in meaning between two versions, in words and as data; without numbers, the newest
   * against the one before.
   */
  compareVersions(workflowId, options) {
    return this.send('GET', `/api/workflows/${place('workflowId', workflowId)}/diff`, options, {
      query: pick(options, 'from', 'to'),
    });
  }

  /** Deploy the content of an older version as a new one. */
  rollbackWorkflow(workflowId, body, options) {
    return this.send('POST', `/api/workflows/${place('workflowId', workflowId)}/rollback`, options, {
      json: body,
    });
  }

  /**
   * Move unfinished runs from one version to another, as far as each can go on there; with `dryRun`
   * it only says what would become of each.
   */
  migrateRuns(workflowId, body, options) {
    return this.send('POST', `/api/workflows/${place('workflowId', workflowId)}/migrate`, options, {
      json: body,
    });
  }
}

/** Operations on drafts. */
export class DraftsOperations extends Operations {
  /**
   * Try one `step` of a `definition` on `pinned` data with every effect off: its input as
   * evaluated, its output or what it would have done.
   */
  tryStep(body, options) {
    return this.send('POST', '/api/workflows/try-step', options, { json: body });
  }

  /**
   * Names and JSON types that expressions of a `definition` may read, by step; with `step` those of
   * that one, as one list.
   */
  outlineWorkflow(body, options) {
    return this.send('POST', '/api/workflows/outline', options, { json: body });
  }

  /**
   * A draft from words, `text`; with a `definition`, what that would become. By the configured
   * language model, else by a matcher; what is missing is named, and nothing is deployed.
   */
  describeWorkflow(body, options) {
    return this.send('POST', '/api/workflows/describe', options, { json: body });
  }

  /** Drafts of the store without their content, the last changed first. */
  listDrafts(options) {
    return this.send('GET', '/api/drafts', options, { query: pick(options, 'workflow', 'limit') });
  }

  /** Begin a draft from a source, a shipped template or the newest version of a workflow. */
  createDraft(body, options) {
    return this.send('POST', '/api/drafts', options, { json: body });
  }

  /** A draft; its revision is the ETag. Pinned data are shown with run:read. */
  getDraft(draftId, options) {
    return this.send('GET', `/api/drafts/${place('draftId', draftId)}`, options);
  }

  /**
   * Save a draft on top of the revision in If-Match (or `revision`); what is left out stays as it
   * is. 409 names who was faster, and what was sent is kept aside in the history.
   */
  saveDraft(draftId, body, options) {
    return this.send('PUT', `/api/drafts/${place('draftId', draftId)}`, options, { json: body });
  }

  /** Delete a draft with its history; with If-Match only at that revision. */
  deleteDraft(draftId, options) {
    return this.send('DELETE', `/api/drafts/${place('draftId', draftId)}`, options);
  }

  /** Its revisions, newest first: who, when, names, what was published or kept aside. */
  listDraftHistory(draftId, options) {
    return this.send('GET', `/api/drafts/${place('draftId', draftId)}/history`, options, {
      query: pick(options, 'before', 'limit'),
    });
  }

  /** The draft as it was at one revision. */
  getDraftRevision(draftId, number, options) {
    return this.send('GET', `/api/drafts/${place('draftId', draftId)}/history/${place('number', number)}`, options, {
    });
  }

  /** Give a revision a name, so that it is kept; null takes it away. */
  nameDraftRevision(draftId, number, body, options) {
    return this.send('PUT', `/api/drafts/${place('draftId', draftId)}/history/${place('number', number)}`, options, {
      json: body,
    });
  }

  /** Make an older `revision` the newest one; nothing of the history goes. */
  restoreDraft(draftId, body, options) {
    return this.send('POST', `/api/drafts/${place('draftId', draftId)}/restore`, options, {
      json: body,
    });
  }

  /**
   * Deploy the draft; the answer has the difference in meaning and the report. `dryRun` only says
   * them; `over` is the version that it may replace when others have deployed meanwhile.
   */
  publishDraft(draftId, body, options) {
    return this.send('POST', `/api/drafts/${place('draftId', draftId)}/publish`, options, {
      query: pick(options, 'mode'),
      json: body,
    });
  }

  /**
   * Start a run of the draft, marked as a test: from an `input`, a `sample` event, the input of a
   * past `run`, or the pinned trigger. `effects`: store, all or off.
   */
  testDraft(draftId, body, options) {
    return this.send('POST', `/api/drafts/${place('draftId', draftId)}/test-run`, options, {
      json: body,
    });
  }

  /** Every shipped template: what it does, what it begins with, what it needs. */
  listTemplates(options) {
    return this.send('GET', '/api/templates', options);
  }

  /** One template with its YAML and a sample input. */
  getTemplate(name, options) {
    return this.send('GET', `/api/templates/${place('name', name)}`, options);
  }

  /** Every sample event that a draft can be tested with. */
  listSamples(options) {
    return this.send('GET', '/api/samples', options);
  }
}

/** Operations on components. */
export class ComponentsOperations extends Operations {
  /** Every component of the store, newest versions. */
  listComponents(options) {
    return this.send('GET', '/api/components', options);
  }

  /** One component, and the workflows that use it. */
  getComponent(kind, name, options) {
    return this.send('GET', `/api/components/${place('kind', kind)}/${place('name', name)}`, options, {
    });
  }

  /**
   * Keep a new version, unless nothing changed. The answer names the workflows that use it; their
   * deployed versions stay as they are until they are deployed again: `redeploy` does it.
   */
  putComponent(kind, name, body, options) {
    return this.send('PUT', `/api/components/${place('kind', kind)}/${place('name', name)}`, options, {
      query: pick(options, 'redeploy'),
      json: body,
    });
  }

  /** Keep it no longer; 409 while workflows use it. */
  deleteComponent(kind, name, options) {
    return this.send('DELETE', `/api/components/${place('kind', kind)}/${place('name', name)}`, options, {
    });
  }
}

/** Operations on models. */
export class ModelsOperations extends Operations {
  /** The language models of the store, with the facts of each. */
  listModels(options) {
    return this.send('GET', '/api/models', options);
  }

  /** One language model. 404 lists those there are when there is none of the name. */
  getModel(name, options) {
    return this.send('GET', `/api/models/${place('name', name)}`, options);
  }

  /** Configure a language model: who serves it, what it may see, where it runs. */
  putModel(name, body, options) {
    return this.send('PUT', `/api/models/${place('name', name)}`, options, { json: body });
  }

  /** Configure it no longer: from here on it is asked by nobody. */
  deleteModel(name, options) {
    return this.send('DELETE', `/api/models/${place('name', name)}`, options);
  }

  /** Ask the model a word that carries nothing: does it answer, and how long does it take? */
  testModel(name, options) {
    return this.send('POST', `/api/models/${place('name', name)}/test`, options);
  }

  /** Calls of language models, newest first: hashes, tokens, cost and time; not what was said. */
  listAiCalls(options) {
    return this.send('GET', '/api/ai/calls', options, {
      query: pick(options, 'run', 'session', 'worker', 'model', 'before', 'limit'),
    });
  }

  /** One call with what was asked and answered; that it was read is audited. */
  getAiCall(callId, options) {
    return this.send('GET', `/api/ai/calls/${place('callId', callId)}`, options);
  }

  /** The text with placeholders, and what was found where. Nothing of it is kept. */
  redactText(body, options) {
    return this.send('POST', '/api/redactions', options, { json: body });
  }
}

/** Operations on worker. */
export class WorkerOperations extends Operations {
  /** The workers of the store, in their newest versions. */
  listWorkers(options) {
    return this.send('GET', '/api/workers', options);
  }

  /** Make a worker: a model, instructions, tools and bounds. The same again is the same worker. */
  createWorker(body, options) {
    return this.send('POST', '/api/workers', options, { json: body });
  }

  /** One worker, by id or name. */
  getWorker(workerId, options) {
    return this.send('GET', `/api/workers/${place('workerId', workerId)}`, options);
  }

  /**
   * A new version, unless nothing changed; keys that are not given stay as they are. Sessions that
   * there are keep their version.
   */
  updateWorker(workerId, body, options) {
    return this.send('PUT', `/api/workers/${place('workerId', workerId)}`, options, { json: body });
  }

  /** Every version of a worker, newest first. */
  listWorkerVersions(workerId, options) {
    return this.send('GET', `/api/workers/${place('workerId', workerId)}/versions`, options);
  }
}

/** Operations on session. */
export class SessionOperations extends Operations {
  /** Begin a conversation with a worker; `metadata.patientId` pins it to that patient. */
  createSession(body, options) {
    return this.send('POST', '/api/sessions', options, { json: body });
  }

  /** Conversations, newest first. */
  listSessions(options) {
    return this.send('GET', '/api/sessions', options, {
      query: pick(options, 'worker', 'patient', 'before', 'limit'),
    });
  }

  /** A session: of a conversation, or of a run, with what was said, derived from the journal. */
  getSession(sessionId, options) {
    return this.send('GET', `/api/sessions/${place('sessionId', sessionId)}`, options);
  }

  /**
   * Say something. The message is kept and its task begun when this answers; with `wait`, the
   * answer comes along when it is there within so many seconds.
   */
  sendMessage(sessionId, body, options) {
    return this.send('POST', `/api/sessions/${place('sessionId', sessionId)}/messages`, options, {
      query: pick(options, 'wait'),
      headers: { 'Idempotency-Key': options?.idempotencyKey ?? newKey() },
      json: body,
    });
  }

  /** What was said in a conversation, oldest first; page with the last `turn` as `after`. */
  listSessionMessages(sessionId, options) {
    return this.send('GET', `/api/sessions/${place('sessionId', sessionId)}/messages`, options, {
      query: pick(options, 'after', 'limit'),
    });
  }

  /** The tasks of a conversation, one for each message, oldest first. */
  listSessionTasks(sessionId, options) {
    return this.send('GET', `/api/sessions/${place('sessionId', sessionId)}/tasks`, options);
  }

  /** One task: its answer, the tool calls that it waits for, or why it failed. */
  getSessionTask(sessionId, taskId, options) {
    return this.send('GET', `/api/sessions/${place('sessionId', sessionId)}/tasks/${place('taskId', taskId)}`, options, {
    });
  }

  /** Hand in what your own functions gave; the task goes on. */
  submitToolOutputs(sessionId, taskId, body, options) {
    return this.send('POST', `/api/sessions/${place('sessionId', sessionId)}/tasks/${place('taskId', taskId)}/outputs`, options, {
      json: body,
    });
  }

  /** Cancel a task that is open. */
  cancelSessionTask(sessionId, taskId, options) {
    return this.send('POST', `/api/sessions/${place('sessionId', sessionId)}/tasks/${place('taskId', taskId)}/cancel`, options, {
    });
  }

  /** Take up a task that failed or was cancelled; received answers are not asked for again. */
  resumeSessionTask(sessionId, taskId, options) {
    return this.send('POST', `/api/sessions/${place('sessionId', sessionId)}/tasks/${place('taskId', taskId)}/resume`, options, {
    });
  }

  /** End a conversation: open tasks are cancelled, and no message is taken. */
  cancelSession(sessionId, options) {
    return this.send('POST', `/api/sessions/${place('sessionId', sessionId)}/cancel`, options);
  }

  /** Let a cancelled conversation take messages again. */
  resumeSession(sessionId, options) {
    return this.send('POST', `/api/sessions/${place('sessionId', sessionId)}/resume`, options);
  }
}

/** Operations on knowledge. */
export class KnowledgeOperations extends Operations {
  /** The collections of the store, with how much they hold and how much of it is embedded. */
  listKnowledgeCollections(options) {
    return this.send('GET', '/api/knowledge', options);
  }

  /**
   * Make a collection, or change its description, language or embedding model; what is not given
   * stays.
   */
  putKnowledgeCollection(collection, body, options) {
    return this.send('PUT', `/api/knowledge/${place('collection', collection)}`, options, {
      json: body,
    });
  }

  /** The documents of a collection, without their texts. */
  listKnowledgeDocuments(collection, options) {
    return this.send('GET', `/api/knowledge/${place('collection', collection)}`, options);
  }

  /** Delete a collection with all it holds. */
  deleteKnowledgeCollection(collection, options) {
    return this.send('DELETE', `/api/knowledge/${place('collection', collection)}`, options);
  }

  /**
   * The passages that answer best, by words and, where the collection has a model, by meaning. The
   * question holds no patient data.
   */
  searchKnowledge(collection, options) {
    return this.send('GET', `/api/knowledge/${place('collection', collection)}/search`, options, {
      query: pick(options, 'q', 'limit'),
    });
  }

  /**
   * Make the embeddings that are missing, or of another model than the collection's, for at most 30
   * seconds; `pending` are those that are left.
   */
  reindexKnowledge(collection, options) {
    return this.send('POST', `/api/knowledge/${place('collection', collection)}/reindex`, options);
  }

  /**
   * Keep a document: Markdown, plain text or PDF, by its Content-Type. Another content is a new
   * version.
   */
  putKnowledgeDocument(collection, documentId, content, options) {
    return this.send('PUT', `/api/knowledge/${place('collection', collection)}/${place('documentId', documentId)}`, options, {
      query: pick(options, 'title'),
      content,
    });
  }

  /** A document with its text, as it is now or was in a version. */
  getKnowledgeDocument(collection, documentId, options) {
    return this.send('GET', `/api/knowledge/${place('collection', collection)}/${place('documentId', documentId)}`, options, {
      query: pick(options, 'version'),
    });
  }

  /** Delete a document with all its versions. */
  deleteKnowledgeDocument(collection, documentId, options) {
    return this.send('DELETE', `/api/knowledge/${place('collection', collection)}/${place('documentId', documentId)}`, options, {
    });
  }
}

/** Operations on task. */
export class TaskOperations extends Operations {
  /** Human tasks that the key may see: open ones first, the most urgent and soonest due first. */
  listTasks(options) {
    return this.send('GET', '/api/tasks', options, {
      query: pick(options, 'status', 'queue', 'group', 'mine', 'unassigned', 'assignee', 'overdue', 'sla', 'priority', 'kind', 'workflow', 'run', 'patient', 'snoozed', 'sort', 'after', 'limit'),
    });
  }

  /** Open tasks by queue, of those that the key may see. */
  countTasks(options) {
    return this.send('GET', '/api/tasks/counts', options);
  }

  /** Take the most urgent task that nobody has: {"queue"?, "kind"?}; null when there is none. */
  claimNextTask(body, options) {
    return this.send('POST', '/api/tasks/next', options, { json: body });
  }

  /**
   * One human task with what it shows, its comments, votes, draft and decision; its form in one of
   * its languages.
   */
  getTask(taskId, options) {
    return this.send('GET', `/api/tasks/${place('taskId', taskId)}`, options, {
      query: pick(options, 'lang'),
    });
  }

  /** Put a task off for oneself until a time; others see it as before. */
  snoozeTask(taskId, body, options) {
    return this.send('POST', `/api/tasks/${place('taskId', taskId)}/snooze`, options, {
      json: body,
    });
  }

  /** Every transition of a task with who and when, from the audit trail. */
  getTaskHistory(taskId, options) {
    return this.send('GET', `/api/tasks/${place('taskId', taskId)}/history`, options);
  }

  /** Take a task; 409 when somebody else was faster. */
  claimTask(taskId, options) {
    return this.send('POST', `/api/tasks/${place('taskId', taskId)}/claim`, options);
  }

  /** Let a task go, so that others may take it. */
  releaseTask(taskId, options) {
    return this.send('POST', `/api/tasks/${place('taskId', taskId)}/release`, options);
  }

  /** Give a task to a user, a group or another queue. */
  assignTask(taskId, body, options) {
    return this.send('POST', `/api/tasks/${place('taskId', taskId)}/assign`, options, {
      json: body,
    });
  }

  /** Hand one's own task to somebody else, with a comment; the history keeps who had it. */
  delegateTask(taskId, body, options) {
    return this.send('POST', `/api/tasks/${place('taskId', taskId)}/delegate`, options, {
      json: body,
    });
  }

  /** Add a comment, sealed, for everybody who sees the task. */
  commentTask(taskId, body, options) {
    return this.send('POST', `/api/tasks/${place('taskId', taskId)}/comments`, options, {
      json: body,
    });
  }

  /** Keep answers that are not finished: {"data"} or {"answers"}, unchecked and sealed. */
  draftTask(taskId, body, options) {
    return this.send('PUT', `/api/tasks/${place('taskId', taskId)}/draft`, options, { json: body });
  }

  /** Approve, reject or complete a task; the waiting run goes on. */
  decideTask(taskId, body, options) {
    return this.send('POST', `/api/tasks/${place('taskId', taskId)}/decision`, options, {
      json: body,
    });
  }

  /**
   * Messages that were sent, or captured for want of a connection, newest first; page with the last
   * id as `before`.
   */
  listMessages(options) {
    return this.send('GET', '/api/messages', options, {
      query: pick(options, 'run', 'before', 'limit'),
    });
  }

  /** What needs a look, grouped by cause, open ones first; page with the last id as `before`. */
  listIncidents(options) {
    return this.send('GET', '/api/incidents', options, {
      query: pick(options, 'status', 'before', 'limit'),
    });
  }

  /** Say that somebody has looked; the same cause opens a new incident when it comes again. */
  closeIncident(incidentId, options) {
    return this.send('POST', `/api/incidents/${place('incidentId', incidentId)}/close`, options);
  }

  /** The queues that were named, with those who may see and do their tasks. */
  listQueues(options) {
    return this.send('GET', '/api/queues', options);
  }

  /** Name a queue and say who may see and do its tasks. */
  putQueue(queue, body, options) {
    return this.send('PUT', `/api/queues/${place('queue', queue)}`, options, { json: body });
  }

  /** The groups with their members. */
  listGroups(options) {
    return this.send('GET', '/api/groups', options);
  }

  /** Name a group and its members. */
  putGroup(group, body, options) {
    return this.send('PUT', `/api/groups/${place('group', group)}`, options, { json: body });
  }

  /** The business calendars by name. */
  listCalendars(options) {
    return this.send('GET', '/api/calendars', options);
  }

  /** The rules of a business calendar. */
  getCalendar(name, options) {
    return this.send('GET', `/api/calendars/${place('name', name)}`, options);
  }

  /** Keep opening hours, holidays and days that differ; tasks that are open keep their times. */
  putCalendar(name, body, options) {
    return this.send('PUT', `/api/calendars/${place('name', name)}`, options, { json: body });
  }

  /** A link by which somebody without a key fills the form of a task; shown this once. */
  linkForm(taskId, body, options) {
    return this.send('POST', `/api/tasks/${place('taskId', taskId)}/link`, options, { json: body });
  }

  /** The form behind a link, with what it begins with and what was kept of it before. */
  getForm(token, options) {
    return this.send('GET', `/api/forms/${place('token', token)}`, options, {
      query: pick(options, 'lang'),
    });
  }

  /** Complete the form behind a link, once: {"data": {linkId: value}} or {"answers": …}. */
  fillForm(token, body, options) {
    return this.send('POST', `/api/forms/${place('token', token)}`, options, { json: body });
  }

  /** Keep answers that are not finished; the link goes on with them on any device. */
  draftForm(token, body, options) {
    return this.send('PUT', `/api/forms/${place('token', token)}/draft`, options, { json: body });
  }

  /** What follows from the answers so far: calculated values, and which questions are asked. */
  calculateForm(token, body, options) {
    return this.send('POST', `/api/forms/${place('token', token)}/calculate`, options, {
      json: body,
    });
  }

  /** Options of a value set that the form names. */
  listFormOptions(token, options) {
    return this.send('GET', `/api/forms/${place('token', token)}/options`, options, {
      query: pick(options, 'valueSet', 'find', 'lang'),
    });
  }

  /** Hand in a file for a question: the body. The answer is the Attachment to answer with. */
  attachToForm(token, content, options) {
    return this.send('POST', `/api/forms/${place('token', token)}/attachments`, options, {
      query: pick(options, 'question', 'name'),
      content,
    });
  }

  /** The form of a task in one of its languages, with the options of its value sets. */
  getTaskForm(taskId, options) {
    return this.send('GET', `/api/tasks/${place('taskId', taskId)}/form`, options, {
      query: pick(options, 'lang'),
    });
  }

  /** What follows from the answers so far: calculated values, and which questions are asked. */
  calculateTask(taskId, body, options) {
    return this.send('POST', `/api/tasks/${place('taskId', taskId)}/calculate`, options, {
      json: body,
    });
  }

  /** Options of a value set that the form names. */
  listTaskOptions(taskId, options) {
    return this.send('GET', `/api/tasks/${place('taskId', taskId)}/options`, options, {
      query: pick(options, 'valueSet', 'find', 'lang'),
    });
  }

  /** Hand in a file for a question: the body. The answer is the Attachment to answer with. */
  attachToTask(taskId, content, options) {
    return this.send('POST', `/api/tasks/${place('taskId', taskId)}/attachments`, options, {
      query: pick(options, 'question', 'name'),
      content,
    });
  }

  /** A file that was handed in with a form; the reading is audited. */
  readTaskAttachment(taskId, attachmentId, options) {
    return this.send('GET', `/api/tasks/${place('taskId', taskId)}/attachments/${place('attachmentId', attachmentId)}`, options, {
      answer: 'bytes',
    });
  }
}

/** Operations on pipelines. */
export class PipelinesOperations extends Operations {
  /** The newest version of every pipeline. */
  listPipelines(options) {
    return this.send('GET', '/api/pipelines', options);
  }

  /** Keep a pipeline; the same content again makes no new version. */
  putPipeline(name, body, options) {
    return this.send('PUT', `/api/pipelines/${place('name', name)}`, options, { json: body });
  }

  /** A pipeline with what its last runs have moved so far, its streams and its quarantine. */
  getPipeline(name, options) {
    return this.send('GET', `/api/pipelines/${place('name', name)}`, options);
  }

  /** Rows that could not be taken in, with their content, oldest first; the reading is audited. */
  listPipelineRejects(name, options) {
    return this.send('GET', `/api/pipelines/${place('name', name)}/rejects`, options, {
      query: pick(options, 'after', 'limit'),
    });
  }

  /** Hand rows of the quarantine, corrected or as they are, to the next run of the pipeline. */
  resubmitPipelineRejects(name, body, options) {
    return this.send('POST', `/api/pipelines/${place('name', name)}/rejects`, options, {
      json: body,
    });
  }

  /** The newest version of every decision table. */
  listDecisionTables(options) {
    return this.send('GET', '/api/decision-tables', options);
  }

  /** Keep a decision table; one with a gap or a forbidden overlap is refused with an example. */
  putDecisionTable(name, body, options) {
    return this.send('PUT', `/api/decision-tables/${place('name', name)}`, options, { json: body });
  }

  /** A decision table, with its version and hash. */
  getDecisionTable(name, options) {
    return this.send('GET', `/api/decision-tables/${place('name', name)}`, options, {
      query: pick(options, 'version'),
    });
  }
}

/** Operations on file. */
export class FileOperations extends Operations {
  /** Multipart upload of one file under `file`; its type is read from its bytes. */
  uploadFile(file, options) {
    return this.send('POST', '/api/files', options, { file });
  }

  /** Store the body under a bucket and name: `dicom://…` or `file://…` afterwards. */
  putFile(bucket, name, content, options) {
    return this.send('PUT', `/api/files/${place('bucket', bucket)}/${place('name', name)}`, options, {
      content,
    });
  }

  /** The stored bytes of `file://{bucket}/{name}`; the reading is audited. */
  readFile(bucket, name, options) {
    return this.send('GET', `/api/files/${place('bucket', bucket)}/${place('name', name)}`, options, {
      answer: 'bytes',
    });
  }

  /** The newest orders. */
  listDeidentifications(options) {
    return this.send('GET', '/api/deidentifications', options);
  }

  /** Make a copy of a study without its patient, in the archive as a study of its own. */
  deidentifyStudy(body, options) {
    return this.send('POST', '/api/deidentifications', options, {
      headers: { 'Idempotency-Key': options?.idempotencyKey ?? newKey() },
      json: body,
    });
  }

  /** An order: how far it is, and what was done to each object. */
  getDeidentification(deidentificationId, options) {
    return this.send('GET', `/api/deidentifications/${place('deidentificationId', deidentificationId)}`, options, {
    });
  }

  /** Stop an order; the copies that were stored stay. */
  cancelDeidentification(deidentificationId, options) {
    return this.send('POST', `/api/deidentifications/${place('deidentificationId', deidentificationId)}/cancel`, options, {
    });
  }

  /** The copies as a zip: `<study>/<series>/<instance>.dcm`. */
  downloadDeidentification(deidentificationId, options) {
    return this.send('GET', `/api/deidentifications/${place('deidentificationId', deidentificationId)}/content`, options, {
      answer: 'bytes',
    });
  }
}

/** Operations on connection. */
export class ConnectionOperations extends Operations {
  /** Every connection, without secrets, with what this process knows of its health. */
  listConnections(options) {
    return this.send('GET', '/api/connections', options);
  }

  /** Keep a connection of any kind; secrets are sealed and never shown. */
  putConnection(connectionId, body, options) {
    return this.send('PUT', `/api/connections/${place('connectionId', connectionId)}`, options, {
      json: body,
    });
  }

  /** Ask the peer for a sign of life, with the connection's credentials; nothing is sent on. */
  testConnection(connectionId, options) {
    return this.send('POST', `/api/connections/${place('connectionId', connectionId)}/test`, options, {
    });
  }
}

/** Operations on evaluation. */
export class EvaluationOperations extends Operations {
  /**
   * By workflow, step, model and version: how often people agreed with what was suggested, with its
   * interval, and whether the stated confidence kept its word; of the latest 1,000 decided tasks
   * that the key may see.
   */
  listEvaluations(options) {
    return this.send('GET', '/api/evaluations', options, { query: pick(options, 'workflow') });
  }

  /**
   * Measure a step of a workflow, a worker or a model on a gold set, with every effect off; one of
   * the same content that has not ended is gone on with.
   */
  startEvaluation(body, options) {
    return this.send('POST', '/api/evaluations/runs', options, { json: body });
  }

  /** What was measured, the latest first. */
  listEvaluationRuns(options) {
    return this.send('GET', '/api/evaluations/runs', options, {
      query: pick(options, 'goldSet', 'subject', 'limit'),
    });
  }

  /**
   * One: how far it is, its measures with intervals, the reliability curve, failing cases by id.
   */
  getEvaluationRun(evaluationId, options) {
    return this.send('GET', `/api/evaluations/runs/${place('evaluationId', evaluationId)}`, options, {
    });
  }

  /** What one case was answered, beside what was expected. */
  getEvaluationCase(evaluationId, caseId, options) {
    return this.send('GET', `/api/evaluations/runs/${place('evaluationId', evaluationId)}/cases/${place('caseId', caseId)}`, options, {
    });
  }

  /** Stop one; it counts for nothing. */
  cancelEvaluation(evaluationId, options) {
    return this.send('POST', `/api/evaluations/runs/${place('evaluationId', evaluationId)}/cancel`, options, {
    });
  }

  /**
   * The confidence below which a person should look, by what errors and a review cost; by the gold
   * set's costs when none are given.
   */
  chooseThreshold(evaluationId, options) {
    return this.send('GET', `/api/evaluations/runs/${place('evaluationId', evaluationId)}/threshold`, options, {
      query: pick(options, 'falsePositive', 'falseNegative', 'review'),
    });
  }

  /**
   * Two evaluations on one gold set case by case: gained, lost, the difference with its interval,
   * and whether it may be chance.
   */
  compareEvaluations(options) {
    return this.send('GET', '/api/evaluations/comparison', options, {
      query: pick(options, 'before', 'after'),
    });
  }

  /** The gold sets of the store, with their sizes and gates. */
  listGoldSets(options) {
    return this.send('GET', '/api/gold-sets', options);
  }

  /** One, without its cases. */
  getGoldSet(name, options) {
    return this.send('GET', `/api/gold-sets/${place('name', name)}`, options);
  }

  /** Make one, or change its settings; with `cases` these take the place of all there are. */
  putGoldSet(name, body, options) {
    return this.send('PUT', `/api/gold-sets/${place('name', name)}`, options, { json: body });
  }

  /** Take one away with its cases and gates; what was measured on it stays. */
  deleteGoldSet(name, options) {
    return this.send('DELETE', `/api/gold-sets/${place('name', name)}`, options);
  }

  /** Its cases by id: input, what is expected, and of reviewed ones what the AI had said. */
  listGoldCases(name, options) {
    return this.send('GET', `/api/gold-sets/${place('name', name)}/cases`, options, {
      query: pick(options, 'after', 'limit'),
    });
  }

  /**
   * Add cases, as `cases`, or from tasks that people decided, as `fromTasks`: what the AI was
   * given, with the reviewer's words as what is right.
   */
  addGoldCases(name, body, options) {
    return this.send('POST', `/api/gold-sets/${place('name', name)}/cases`, options, {
      json: body,
    });
  }

  /** Take one case out. */
  deleteGoldCase(name, caseId, options) {
    return this.send('DELETE', `/api/gold-sets/${place('name', name)}/cases/${place('caseId', caseId)}`, options, {
    });
  }

  /**
   * What must be measured on this gold set, and how well, before a workflow is deployed; in place
   * of the gates there were.
   */
  putEvaluationGates(name, body, options) {
    return this.send('PUT', `/api/gold-sets/${place('name', name)}/gates`, options, { json: body });
  }

  /** The trained models of the store, and the predictions that come with Careloom. */
  listTrainedModels(options) {
    return this.send('GET', '/api/trained-models', options);
  }

  /** One with its versions, the latest first. */
  getTrainedModel(name, options) {
    return this.send('GET', `/api/trained-models/${place('name', name)}`, options);
  }

  /**
   * Declare a model: what it looks at, what it learns. Versions that are there stay as they are.
   */
  putTrainedModel(name, body, options) {
    return this.send('PUT', `/api/trained-models/${place('name', name)}`, options, { json: body });
  }

  /**
   * Train a version: a classifier on the cases of a gold set, a prediction on the records that the
   * key may read. It is measured beside the running version, and answers nowhere before it is
   * promoted.
   */
  trainModel(name, body, options) {
    return this.send('POST', `/api/trained-models/${place('name', name)}/versions`, options, {
      json: body,
    });
  }

  /**
   * One version: how far its training is, its card, how it compares with the one that was running
   * then, and how many patients it learned from were erased since.
   */
  getTrainedVersion(name, version, options) {
    return this.send('GET', `/api/trained-models/${place('name', name)}/versions/${place('version', version)}`, options, {
    });
  }

  /**
   * Let a version answer from here on, an earlier one too. 422 with the failing cases when a gate
   * does not let it pass.
   */
  promoteTrainedVersion(name, version, options) {
    return this.send('POST', `/api/trained-models/${place('name', name)}/versions/${place('version', version)}/promote`, options, {
    });
  }

  /**
   * Forget what a version learned: it never answers again, its card stays. 409 for the running one.
   */
  withdrawTrainedVersion(name, version, options) {
    return this.send('POST', `/api/trained-models/${place('name', name)}/versions/${place('version', version)}/withdraw`, options, {
    });
  }

  /** How the watch looks, what it knows of each model in each step, and demotions. */
  getDrift(options) {
    return this.send('GET', '/api/drift', options);
  }

  /** How the watch looks from here on; what is not given is as shipped. */
  putDriftSettings(body, options) {
    return this.send('PUT', '/api/drift/settings', options, { json: body });
  }

  /** Let a model's word count for nothing in a workflow, until somebody lifts it. */
  demoteModel(body, options) {
    return this.send('POST', '/api/drift/demotions', options, { json: body });
  }

  /** Trust the model again, for a `reason`; the watch takes its next cases as the reference. */
  liftDemotion(demotionId, body, options) {
    return this.send('POST', `/api/drift/demotions/${place('demotionId', demotionId)}/lift`, options, {
      json: body,
    });
  }
}

/** Operations on decisions. */
export class DecisionsOperations extends Operations {
  /** The AI decisions of a run, in the order in which they were made. */
  listDecisions(options) {
    return this.send('GET', '/api/decisions', options, { query: pick(options, 'run') });
  }

  /**
   * One decision: what answered, from what, which rules fired, who reviewed it, what was written,
   * and whether the audit rows it is rebuilt from are what was signed.
   */
  explainDecision(runId, path, options) {
    return this.send('GET', `/api/decisions/${place('runId', runId)}/${place('path', path)}`, options, {
      query: pick(options, 'iteration'),
    });
  }
}

/** Operations on ai. */
export class AiOperations extends Operations {
  /**
   * How much each part of the image's centre square mattered, worked out anew: a grid of `size`
   * rows and columns, 0 to 1. 422 for an image that the model cannot assess, or a model that
   * explains nothing.
   */
  explainImage(options) {
    return this.send('GET', '/api/image-explanations', options, {
      query: pick(options, 'uri', 'model'),
    });
  }
}

/** Operations on referral. */
export class ReferralOperations extends Operations {
  /** The text of a referral PDF, at most 500 characters, by OCR where need be. Nothing is kept. */
  uploadReferral(file, options) {
    return this.send('POST', '/upload-referral/', options, { file });
  }

  /**
   * Urgency and confidence of a referral, and whether the team was told. The same letter again gets
   * the first answer, and the team no second message. 503 when the team could not be told yet: the
   * referral is kept; send it again.
   */
  triageReferral(file, options) {
    return this.send('POST', '/triage-referral/', options, { file });
  }

  /** A triaged referral with its text: where the link in the team's notice leads. */
  getReferral(referralId, options) {
    return this.send('GET', `/referrals/${place('referralId', referralId)}`, options);
  }
}

/** Operations on identity. */
export class IdentityOperations extends Operations {
  /** Sign in to the pages with a key: sets the cookie, and ends the session there was before. */
  openBrowserSession(body, options) {
    return this.send('POST', '/api/browser-session', options, { json: body });
  }

  /** Sign out: the session ends everywhere at once, and the cookie goes. */
  closeBrowserSession(options) {
    return this.send('DELETE', '/api/browser-session', options);
  }

  /** One's own sessions: which browsers are signed in, since when. */
  listBrowserSessions(options) {
    return this.send('GET', '/api/browser-sessions', options);
  }

  /** End all of one's own sessions but the one that asks. */
  closeOtherBrowserSessions(options) {
    return this.send('DELETE', '/api/browser-sessions', options);
  }

  /** End one of one's own sessions, for example of a browser that was lost. */
  closeOneBrowserSession(browserSessionId, options) {
    return this.send('DELETE', `/api/browser-sessions/${place('browserSessionId', browserSessionId)}`, options, {
    });
  }

  /** Who asks, where, and what they may do; in a browser session with its CSRF token. */
  getMe(options) {
    return this.send('GET', '/api/me', options);
  }

  /** The keys there are, never their text: whose, with which roles, when used. */
  listKeys(options) {
    return this.send('GET', '/api/keys', options);
  }

  /**
   * A key for a principal, which is made when it is given roles or grants. The key is shown this
   * once.
   */
  createKey(body, options) {
    return this.send('POST', '/api/keys', options, { json: body });
  }

  /** End a key for good, and the browser sessions that were opened with it. */
  revokeKey(keyId, options) {
    return this.send('DELETE', `/api/keys/${place('keyId', keyId)}`, options);
  }

  /** Users and services with their roles and grants. */
  listPrincipals(options) {
    return this.send('GET', '/api/principals', options);
  }

  /** Set the roles or the grants of a principal, or disable it; its keys and sessions follow. */
  changePrincipal(principalId, body, options) {
    return this.send('PATCH', `/api/principals/${place('principalId', principalId)}`, options, {
      json: body,
    });
  }

  /** The roles that there are with their grants, and those of the tenant's own. */
  listRoles(options) {
    return this.send('GET', '/api/roles', options);
  }

  /** Make or change a role of the tenant's own. */
  putRole(role, body, options) {
    return this.send('PUT', `/api/roles/${place('role', role)}`, options, { json: body });
  }
}

/** Operations on data store. */
export class DataStoreOperations extends Operations {
  /** Make a FHIR store with its own base URL and key; the key is shown this once. */
  createFhirStore(body, options) {
    return this.send('POST', '/api/fhirserver/create', options, { json: body });
  }

  /** The tenant's FHIR stores. */
  listFhirStores(options) {
    return this.send('GET', '/api/fhirserver/list', options);
  }

  /** One FHIR store: where it is, and its state. */
  getFhirStore(serverId, options) {
    return this.send('GET', `/api/fhirserver/${place('serverId', serverId)}`, options);
  }

  /** Change the name, the description or the settings of a FHIR store. */
  updateFhirStore(serverId, body, options) {
    return this.send('PATCH', `/api/fhirserver/${place('serverId', serverId)}`, options, {
      json: body,
    });
  }

  /** Delete a FHIR store; one that holds resources, only with `confirm` = its id. */
  deleteFhirStore(serverId, options) {
    return this.send('DELETE', `/api/fhirserver/${place('serverId', serverId)}`, options, {
      query: pick(options, 'confirm'),
    });
  }

  /** Give a FHIR store a new key, shown this once; the one before ends. */
  renewFhirStoreKey(serverId, options) {
    return this.send('POST', `/api/fhirserver/${place('serverId', serverId)}/key`, options);
  }
}

/** Operations on webhooks. */
export class WebhooksOperations extends Operations {
  /**
   * Take a signed delivery: kept, with its event, before this answers. A repeat of its id gets the
   * same answer and starts nothing again.
   */
  receiveWebhook(endpoint, path, body, options) {
    return this.send('POST', `/hooks/${place('endpoint', endpoint)}/${place('path', path)}`, options, {
      json: body,
    });
  }

  /** The store's address for webhooks, the paths that workflows listen at, its secrets by name. */
  listWebhooks(options) {
    return this.send('GET', '/api/webhooks', options);
  }

  /**
   * Make or keep a signing secret; it is shown in this answer only. The earlier ones of the name
   * stay valid for a day, or for `keepPreviousFor` seconds, so that senders can change over.
   */
  putWebhookSecret(name, body, options) {
    return this.send('PUT', `/api/webhooks/secrets/${place('name', name)}`, options, {
      json: body,
    });
  }
}

/** Operations on work. */
export class WorkOperations extends Operations {
  /** Work that is not done, oldest first, without what it carries. */
  listWork(options) {
    return this.send('GET', '/api/work', options, { query: pick(options, 'queue', 'limit') });
  }

  /** Take work of a queue under a lease; waits up to `wait` seconds for the first piece. */
  pollWork(queue, body, options) {
    return this.send('POST', `/api/work/${place('queue', queue)}/poll`, options, { json: body });
  }

  /** A sign of life, which makes the lease whole again; `progress` is shown to whoever looks. */
  beatWork(workId, body, options) {
    return this.send('POST', `/api/work/${place('workId', workId)}/beat`, options, { json: body });
  }

  /** The work is done; the run goes on with `result`. 409 when the lease ran out. */
  completeWork(workId, body, options) {
    return this.send('POST', `/api/work/${place('workId', workId)}/complete`, options, {
      json: body,
    });
  }

  /** The work failed, for now (`retryable`) or for good. */
  failWork(workId, body, options) {
    return this.send('POST', `/api/work/${place('workId', workId)}/fail`, options, { json: body });
  }
}

/** Operations on operation. */
export class OperationOperations extends Operations {
  /** The process answers. */
  live(options) {
    return this.send('GET', '/health/live', options);
  }

  /** The database answers too, and runs are carried out; 503 while one of them is not so. */
  ready(options) {
    return this.send('GET', '/health/ready', options);
  }

  /** Prometheus text; no patient data in any label. */
  metrics(options) {
    return this.send('GET', '/metrics', options, { answer: 'text' });
  }

  /** Every step type with its schema: forms, verification and rollback all read it. */
  listStepTypes(options) {
    return this.send('GET', '/api/step-types', options);
  }
}

/** Operations on policy. */
export class PolicyOperations extends Operations {
  /**
   * Keep a new version of the policy file, unless nothing changed: YAML, or the same as JSON. It
   * holds from here on, at deployment and at run time; `affected` are deployed workflows that it
   * refuses, with why.
   */
  putPolicy(definition, options) {
    return this.send('PUT', '/api/policy', options, {
      json: typeof definition === 'string' ? { yaml: definition } : definition,
    });
  }

  /** The policy file that holds, or an earlier version, as it was written. */
  getPolicy(options) {
    return this.send('GET', '/api/policy', options, { query: pick(options, 'version') });
  }

  /** Every version of the policy file, newest first. */
  listPolicyVersions(options) {
    return this.send('GET', '/api/policy/versions', options);
  }
}

/** Every group of operations. */
export class Groups {
  constructor(transport) {
    this.workflow = new WorkflowOperations(transport);
    this.versions = new VersionsOperations(transport);
    this.drafts = new DraftsOperations(transport);
    this.components = new ComponentsOperations(transport);
    this.models = new ModelsOperations(transport);
    this.worker = new WorkerOperations(transport);
    this.session = new SessionOperations(transport);
    this.knowledge = new KnowledgeOperations(transport);
    this.task = new TaskOperations(transport);
    this.pipelines = new PipelinesOperations(transport);
    this.file = new FileOperations(transport);
    this.connection = new ConnectionOperations(transport);
    this.evaluation = new EvaluationOperations(transport);
    this.decisions = new DecisionsOperations(transport);
    this.ai = new AiOperations(transport);
    this.referral = new ReferralOperations(transport);
    this.identity = new IdentityOperations(transport);
    this.dataStore = new DataStoreOperations(transport);
    this.webhooks = new WebhooksOperations(transport);
    this.work = new WorkOperations(transport);
    this.operation = new OperationOperations(transport);
    this.policy = new PolicyOperations(transport);
  }
}
