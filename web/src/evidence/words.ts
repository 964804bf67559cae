/** The API's codes in people's words. */

const LABELS: Record<string, string> = {
  hr: "Heart rate",
  sbp: "Systolic pressure",
  dbp: "Diastolic pressure",
  rr: "Breaths per minute",
  spo2: "Oxygen saturation",
  tempC: "Temperature, °C",
  noKnownAllergies: "Says that there are no allergies",
  path: "Read by",
  needsReview: "Needs a person",
  ocrConfidence: "Confidence of the reading",
  reviewReasons: "Why a person",
  urgencyConfidence: "Confidence of the urgency",
  specialtyConfidence: "Confidence of the specialty",
};

/** "patientName" and "patient-name" as "Patient name". */
export function words(name: string): string {
  const apart = name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .trim()
    .toLowerCase();
  return apart.charAt(0).toUpperCase() + apart.slice(1);
}

/** The name of a value as people call it. */
export const label = (name: string): string => LABELS[name] ?? words(name);

/** A text as a sentence: a capital at its start, a stop at its end. */
export function sentence(text: string): string {
  const whole = text.trim();
  if (!whole) return whole;
  return `${whole.charAt(0).toUpperCase()}${whole.slice(1)}${/[.!?:]$/.test(whole) ? "" : "."}`;
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

const SOURCES: Record<string, string> = {
  dicom: "an arriving image",
  fhir: "a change in the FHIR store",
  file: "an uploaded file",
  manual: "a request",
  schedule: "its schedule",
  webhook: "a webhook",
  workflow: "another run",
  replay: "a replay",
  test: "a test",
};

/** What started a run: "an arriving image". */
export const sourceOf = (name: string): string => SOURCES[name] ?? name;

const NOTES: Record<string, string> = {
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

const REVIEWS: Record<string, string> = {
  "ocr:page": "The scan is hard to read",
  "ocr:line": "Some lines of the scan are hard to read",
  "confidence:specialty": "It is not sure which specialty this is for",
  "confidence:urgency": "It is not sure how urgent this is",
  "urgency:letter_does_not_ask": "The findings are an emergency, but the letter does not ask for one",
  "urgency:acute_words": "The letter tells of something sudden, severe or getting worse",
};

export interface Note {
  code?: string;
  message?: string;
  path?: string;
}

/** A receipt of the server in one sentence. */
export const noteOf = (one: Note): string =>
  one.message ?? NOTES[one.code ?? ""] ?? "A change was made on the way in.";

/** A code as a sentence ("missing:birth_date"); undefined for other texts. */
export function inWords(text: string): string | undefined {
  const [, kind, what] = /^(missing|ambiguous):([a-z][a-z_]*)$/.exec(text) ?? [];
  const name = what?.replaceAll("_", " ");
  if (kind === "missing") return `The ${name} was not found`;
  if (kind === "ambiguous") return `More than one ${name} was found`;
  return REVIEWS[text] ?? NOTES[text];
}

const ACTIONS: Record<string, string> = {
  "fhir.create": "Created",
  "fhir.update": "Changed",
  "fhir.delete": "Deleted",
  "fhir.read": "Read",
  "fhir.search": "Searched",
  "dicom.store": "Image stored",
  "incident.open": "Incident opened",
  "incident.close": "Incident closed",
  "message.pending": "Message to be sent",
  "message.failed": "Message refused by its receiver",
  "message.captured": "Message captured",
  "message.sent": "Message sent",
  "task.create": "Task opened",
  "task.cancel": "Task ended with its run",
  "task.expire": "Task ended: nobody decided in time",
  "task.claim": "Task claimed",
  "task.completed": "Task approved",
  "task.rejected": "Task rejected",
  "task.vote": "Vote cast",
  "task.refused": "Refused: somebody else must decide",
  "task.assign": "Task handed out",
  "task.delegate": "Task handed on",
  "task.release": "Task let go",
  "task.link": "Link to the form made",
  "task.comment": "Comment written",
  "task.draft": "Draft kept",
  "task.warning": "Due time comes near",
  "task.breached": "Due time passed",
  "task.escalated": "Task escalated",
  "upload.create": "File stored",
  "upload.read": "File read",
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
  "step.succeeded": "Step done",
  "step.failed": "Step failed",
  "step.skipped": "Step skipped",
  "step.degraded": "Step done by its fallback",
  "step.cancelled": "Step no longer needed",
  "step.opened": "Step under way",
  "step.retry": "Attempt failed",
  "step.waiting": "Step waits",
  "work.offer": "Work offered to a program",
  "work.take": "Work taken by a program",
  "workflow.pause": "Workflow paused",
  "workflow.resume": "Workflow resumed",
  "ai.call": "Model asked",
};

/** An audit action in words; unknown ones as they are. */
export const actionOf = (name: string): string => ACTIONS[name] ?? name;

const PRIORITIES: Record<string, string> = {
  stat: "Immediately",
  asap: "As soon as possible",
  urgent: "Urgent",
  routine: "Routine",
};

export const priorityOf = (name: string): string => PRIORITIES[name] ?? words(name);
