// The API's words and codes, in people's words.

/** A state as {kind, word, icon}; `kind` chooses the colour. */
const STATES = {
  succeeded: ["done", "Done", "done"],
  completed: ["done", "Done", "done"],
  sent: ["done", "Sent", "done"],
  final: ["done", "Done", "done"],
  resolved: ["done", "Resolved", "done"],
  closed: ["done", "Closed", "done"],
  running: ["running", "Running", "running"],
  accepted: ["running", "Held", "person"],
  waiting: ["waiting", "Waiting", "waiting"],
  retrying: ["waiting", "Trying again", "waiting"],
  requested: ["waiting", "Open", "inbox"],
  captured: ["waiting", "Captured", "inbox"],
  pending: ["waiting", "To be sent", "inbox"],
  open: ["failed", "Open", "incidents"],
  failed: ["failed", "Failed", "failed"],
  cancelling: ["quiet", "Stopping", "stop"],
  cancelled: ["quiet", "Cancelled", "cancelled"],
  rejected: ["quiet", "Rejected", "failed"],
  skipped: ["quiet", "Skipped", "skipped"],
  opened: ["running", "Under way", "running"],
  degraded: ["waiting", "By fallback", "skipped"],
  queued: ["waiting", "In a queue", "waiting"],
  paused: ["quiet", "Paused", "paused"],
  rolling_back: ["quiet", "Rolling back", "undo"],
  rolled_back: ["quiet", "Rolled back", "undo"],
};

export function state(name) {
  const [kind, word, sign] = STATES[name] ?? ["quiet", name, "open"];
  return { kind, word, icon: sign };
}

/** Where a run stands: what holds it goes before what it was doing. */
export function standing(run) {
  if (run.finishedAt) return run.status;
  return run.held ?? (run.rolledBack || run.asked?.includes("rollback") ? "rolling_back" : run.status);
}

const SOURCES = {
  dicom: "an arriving image",
  fhir: "a change in the FHIR store",
  file: "an uploaded file",
  manual: "a request",
  schedule: "its schedule",
  webhook: "a webhook",
  workflow: "another run",
};

/** What started a run: "an arriving image". */
export const source = (name) => SOURCES[name] ?? name;

const NOTES = {
  "W-AIFINAL": "A model's result was stored as final without a person's review.",
  "W-CASCADE": "Workflows may start each other for ever.",
  "W-COERCE": "A value was written in the form the standard asks for.",
  "W-CONNECTION": "There is no connection for this message yet; it is captured here.",
  "W-INDENT": "Lost indentation was restored.",
  "W-MODELFALLBACK": "The model that was asked for is not here; another one answered.",
  "W-PHI": "The message names the patient.",
  "W-REFMAYBE": "A step is referred to that may not have run.",
  "W-REFPREFIX": "A doubled prefix of a reference was removed.",
  "W-REQUIRED": "A required value was missing and was filled as not stated.",
  "W-UNREACHABLE": "A step can never run.",
};

/** A receipt in one sentence. */
export const note = (one) => one.message ?? NOTES[one.code] ?? "A change was made on the way in.";

const REVIEWS = {
  "ocr:page": "The scan is hard to read",
  "ocr:line": "Some lines of the scan are hard to read",
  "confidence:specialty": "It is not sure which specialty this is for",
  "confidence:urgency": "It is not sure how urgent this is",
  "urgency:letter_does_not_ask": "The findings are an emergency, but the letter does not ask for one",
};

/** A code as a sentence: why a person has to look (`missing:birth_date`), or a receipt; null for other texts. */
export function inWords(text) {
  const [, kind, what] = /^(missing|ambiguous):([a-z][a-z_]*)$/.exec(text) ?? [];
  const name = what?.replaceAll("_", " ");
  if (kind === "missing") return `The ${name} was not found`;
  if (kind === "ambiguous") return `More than one ${name} was found`;
  return REVIEWS[text] ?? NOTES[text] ?? null;
}

const ACTIONS = {
  "fhir.create": "Created",
  "fhir.update": "Changed",
  "fhir.delete": "Deleted",
  "dicom.store": "Image stored",
  "incident.open": "Incident opened",
  "incident.close": "Incident closed",
  "workflow.pause": "Workflow paused",
  "workflow.resume": "Workflow resumed",
  "message.pending": "Message to be sent",
  "message.failed": "Message refused by its receiver",
  "message.captured": "Message captured",
  "message.sent": "Message sent",
  "task.create": "Task opened",
  "task.cancel": "Task ended with its run",
  "task.expire": "Task ended: nobody decided in time",
  "upload.create": "File stored",
  "upload.read": "File read",
  "task.claim": "Task claimed",
  "task.completed": "Task approved",
  "task.rejected": "Task rejected",
  "run.start": "Run started",
  "run.succeeded": "Run done",
  "run.failed": "Run failed",
  "run.cancelled": "Run cancelled",
  "run.cancel": "Asked to stop",
  "run.pause": "Asked to pause",
  "run.resume": "Asked to go on",
  "run.rollback": "Asked to roll back",
  "run.rolled_back": "Run rolled back",
  "run.retry": "Tried again as a new run",
  "run.discard": "Let be",
  "run.migrate": "Moved to another version",
  "step.degraded": "Step done by its fallback",
  "step.cancelled": "Step no longer needed",
  "step.opened": "Step under way",
  "task.vote": "Vote cast",
  "task.refused": "Refused: somebody else must decide",
  "task.assign": "Task handed out",
  "task.delegate": "Task handed on",
  "task.release": "Task let go",
  "task.link": "Link to the form made",
  "task.warning": "Due time comes near",
  "task.breached": "Due time passed",
  "task.escalated": "Task escalated",
  "work.offer": "Work offered to a program",
  "work.take": "Work taken by a program",
  "step.succeeded": "Step done",
  "step.failed": "Step failed",
  "step.skipped": "Step skipped",
  "step.retry": "Attempt failed",
  "step.waiting": "Step waits",
};

/** An audit action in words; unknown ones as they are. */
export const action = (name) => ACTIONS[name] ?? name;

const PRIORITIES = { stat: "Immediately", asap: "As soon as possible", urgent: "Urgent", routine: "Routine" };
export const priority = (name) => PRIORITIES[name] ?? name;
