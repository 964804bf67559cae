import type { Trigger } from "./server";

const FHIR: Record<string, string> = { create: "created", update: "changed", delete: "deleted" };
const EVENTS: Record<string, string> = {
  NewImageUploaded: "When an image arrives",
  StudyStable: "When a study is complete",
  NewFileUploaded: "When a file is handed in",
};

/** What starts a workflow, in a few words. */
export function triggerWords(trigger: Trigger): string {
  const { type, event = "", cron, path } = trigger;
  const [resource, happened] = event.split(".");
  if (type === "manual") return "By hand or API";
  if (type === "fhir" && happened) return `When ${article(resource)} is ${FHIR[happened] ?? happened}`;
  if (type === "schedule" || type === "cron") return `At set times (${cron ?? ""})`;
  if (type === "webhook") return `Webhook /${path ?? ""}`;
  return EVENTS[event] ?? (event || type);
}

const article = (name = "") => `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`;

export const startsWords = (triggers: readonly Trigger[]): string =>
  triggers.map(triggerWords).join(", ") || "By hand or API";
