import { useQuery } from "@tanstack/react-query";
import { UserRound } from "lucide-react";
import { Link } from "react-router";
import { ApiError, fhir } from "../../api/client";
import { useCan } from "../../api/me";
import { Icon } from "../../ui/Icon";
import { said } from "../data/fhirText";
import styles from "./inbox.module.css";
import type { TaskLine } from "./tasks";

interface Patient {
  name?: unknown;
  birthDate?: string;
  gender?: string;
  identifier?: { value?: string }[];
}

/** Whom a task is about, read with the rights of the person who looks. */
function usePatient(patientId: string | null) {
  const can = useCan();
  const id = patientId?.replace(/^Patient\//, "");
  const { data, error } = useQuery({
    queryKey: [`fhir/Patient/${id}`],
    queryFn: () => fhir<Patient>("GET", `Patient/${id}`),
    enabled: id !== undefined && can("fhir:read"),
    retry: false,
    staleTime: 60_000,
  });
  const [name] = Array.isArray(data?.name) ? (data.name as unknown[]) : [];
  const missing = error instanceof ApiError && (error.status === 404 || error.status === 410);
  return { id, patient: data, name: said(name), missing };
}

/** The patient's name in the list of tasks; the id where the name may not be read. */
export function PatientName({ task }: { task: TaskLine }) {
  const { id, name } = usePatient(task.patientId);
  return id ? <span className={styles.about}>{name || `Patient/${id}`}</span> : null;
}

export function PatientStrip({ task }: { task: TaskLine }) {
  const { id, patient, name, missing } = usePatient(task.patientId);
  if (!id) return null;
  if (missing) {
    return (
      <p className={styles.patient} data-missing role="alert">
        <Icon of={UserRound} /> Patient/{id} is not in this store. Look into that before you decide.
      </p>
    );
  }
  const parts = [patient?.birthDate, patient?.gender, patient?.identifier?.[0]?.value].filter(Boolean);
  return (
    <p className={styles.patient}>
      <Icon of={UserRound} />
      <Link to={`/data/Patient/${id}`}>{name || `Patient/${id}`}</Link>
      {parts.length > 0 && <span>{parts.join(" · ")}</span>}
    </p>
  );
}
