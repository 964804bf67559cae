import { useQuery } from "@tanstack/react-query";
import { UserRound } from "lucide-react";
import { Link } from "react-router";
import { fhir } from "../../api/client";
import { useCan } from "../../api/me";
import { Icon } from "../../ui/Icon";
import { said } from "../data/fhirText";
import styles from "./inbox.module.css";
import type { Task } from "./tasks";

interface Patient {
  name?: unknown;
  birthDate?: string;
  gender?: string;
  identifier?: { value?: string }[];
}

/** Whom it is about, read with the rights of the person who looks. */
export function PatientStrip({ task: { patientId } }: { task: Task }) {
  const can = useCan();
  const id = patientId?.replace(/^Patient\//, "");
  const { data } = useQuery({
    queryKey: [`fhir/Patient/${id}`],
    queryFn: () => fhir<Patient>("GET", `Patient/${id}`),
    enabled: id !== undefined && can("fhir:read"),
    retry: false,
  });
  if (!id) return null;
  const [name] = Array.isArray(data?.name) ? (data.name as unknown[]) : [];
  const parts = [data?.birthDate, data?.gender, data?.identifier?.[0]?.value].filter(Boolean);
  return (
    <p className={styles.patient}>
      <Icon of={UserRound} />
      <Link to={`/data/Patient/${id}`}>{said(name) || `Patient/${id}`}</Link>
      {parts.length > 0 && <span>{parts.join(" · ")}</span>}
    </p>
  );
}
