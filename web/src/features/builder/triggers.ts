/** The triggers of the language with the keys of each: docs/reference/triggers.md. */
import type { Schema } from "./server";

export interface TriggerType {
  type: string;
  title: string;
  says: string;
  begin: Record<string, unknown>;
  input: Schema;
}

const where: Schema = { type: "string", description: "An expression that must hold" };
const limits: Readonly<Record<string, Schema>> = {
  requires: { type: "string", description: "A permission that the one who starts it must have" },
  allow: { type: "array", items: { type: "string" }, description: "Roles or principals who may start it" },
};

export const TRIGGERS: readonly TriggerType[] = [
  {
    type: "manual",
    title: "By hand or API",
    says: "Somebody starts it on the page or by the API",
    begin: {},
    input: { type: "object", properties: { ...limits } },
  },
  {
    type: "dicom",
    title: "DICOM upload",
    says: "An image is stored, or a study is complete",
    begin: { event: "NewImageUploaded" },
    input: {
      type: "object",
      required: ["event"],
      properties: {
        event: { type: "string", enum: ["NewImageUploaded", "StudyStable"], description: "Each image, or a study once it is quiet" },
        quietPeriod: { type: "string", description: "How long a study must be quiet, 60s when not said" },
        where,
      },
    },
  },
  {
    type: "fhir",
    title: "FHIR event",
    says: "A resource is created, updated or deleted",
    begin: { event: "Patient.create" },
    input: {
      type: "object",
      required: ["event"],
      properties: {
        event: { type: "string", description: "Resource type and create, update or delete: Observation.create" },
        filter: { type: "string", description: "FHIR search syntax: category=imaging&status=final" },
        where,
        becomes: { type: "object", description: "Elements and the value that they have now and had not before" },
        changed: { type: ["string", "array"], items: { type: "string" }, description: "Elements whose value is another than before" },
      },
    },
  },
  {
    type: "file",
    title: "File upload",
    says: "A document is handed in",
    begin: { event: "NewFileUploaded" },
    input: {
      type: "object",
      required: ["event"],
      properties: {
        event: { type: "string", enum: ["NewFileUploaded"] },
        contentType: { type: ["string", "array"], items: { type: "string" }, description: "application/pdf, image/* …" },
        bucket: { type: "string", description: "Only files of this bucket" },
        name: { type: "string", description: "A pattern of the name: *.pdf" },
        where,
        ...limits,
      },
    },
  },
  {
    type: "schedule",
    title: "Schedule",
    says: "At set times",
    begin: { cron: "0 6 * * *" },
    input: {
      type: "object",
      required: ["cron"],
      properties: {
        cron: { type: "string", description: "Minute, hour, day, month, weekday: 0 */6 * * *" },
        timezone: { type: "string", description: "Europe/Berlin; UTC when not said" },
        overlap: { type: "string", enum: ["forbid", "queue", "allow"], default: "forbid", description: "While an earlier run is under way" },
        catchUp: { type: "string", enum: ["last", "none", "all"], default: "last", description: "Times that were missed" },
        catchUpWithin: { type: "string", description: "What is older is not caught up, 24h when not said" },
        jitter: { type: "string", description: "Each time starts up to so much later" },
      },
    },
  },
  {
    type: "webhook",
    title: "Webhook",
    says: "Another system sends a signed message",
    begin: { path: "incoming" },
    input: {
      type: "object",
      required: ["path"],
      properties: {
        path: { type: "string", description: "The end of the address" },
        secret: { type: "string", description: "Name of the signing secret" },
        signature: { type: "string", enum: ["standard", "github"], default: "standard" },
        contentType: { type: ["string", "array"], items: { type: "string" }, description: "application/json when not said" },
        headers: { type: "array", items: { type: "string" }, description: "Headers that the run may see" },
        where,
        ...limits,
      },
    },
  },
];

export function triggerType(type: string): TriggerType | undefined {
  return TRIGGERS.find((one) => one.type === type);
}
