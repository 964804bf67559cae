/** Values that the server knows for a key: names of pipelines, tables, connections, workflows. */
import { useQueries } from "@tanstack/react-query";
import { useCallback } from "react";
import { ApiError, api } from "../../../api/client";

const PLACES: Readonly<Record<string, string>> = {
  worker: "api/workers",
  model: "api/models",
  pipeline: "api/pipelines",
  table: "api/decision-tables",
  connection: "api/connections",
  workflow: "api/workflows",
  queue: "api/queues",
  calendar: "api/calendars",
};
const KEYS = Object.keys(PLACES);

/** Common types; any other can be written. https://hl7.org/fhir/R4/resourcelist.html */
const RESOURCES = (
  "Patient Observation DiagnosticReport ServiceRequest Task Encounter Condition Procedure MedicationRequest " +
  "AllergyIntolerance Appointment CarePlan Communication Composition Coverage Device DocumentReference ImagingStudy " +
  "Immunization Location Medication Organization Practitioner PractitionerRole Questionnaire QuestionnaireResponse " +
  "RelatedPerson Schedule Slot Specimen Bundle Basic Binary"
).split(" ");
const EVENTS = RESOURCES.flatMap((type) => [`${type}.create`, `${type}.update`, `${type}.delete`]);

async function namesAt(path: string, signal: AbortSignal): Promise<string[]> {
  try {
    const answer = await api.get<unknown>(path, {}, { signal });
    return Array.isArray(answer) ? answer.flatMap(nameOf) : [];
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) return [];
    throw error;
  }
}

function nameOf(one: unknown): string[] {
  if (typeof one === "string") return [one];
  if (typeof one !== "object" || one === null) return [];
  const { id, name } = one as { id?: unknown; name?: unknown };
  const found = id ?? name;
  return typeof found === "string" ? [found] : [];
}

export function useOffers(): (key: string) => readonly string[] {
  const answers = useQueries({
    queries: KEYS.map((key) => ({
      queryKey: ["builder-offers", key],
      queryFn: ({ signal }: { signal: AbortSignal }) => namesAt(PLACES[key] ?? "", signal),
      staleTime: 60_000,
    })),
  });
  const lists = answers.map((answer) => answer.data);
  return useCallback((key: string) => {
    if (key === "resourceType") return RESOURCES;
    if (key === "event") return EVENTS;
    return lists[KEYS.indexOf(key)] ?? [];
  }, lists);
}
