import { useParams } from "react-router";
import { ResourceView } from "./ResourceView";
import { TypeTable } from "./TypeTable";

/** The FHIR store: a type as a table, a resource in words. */
export default function DataPage() {
  const { type = "Patient", id } = useParams();
  return id ? <ResourceView key={`${type}/${id}`} type={type} id={id} /> : <TypeTable key={type} type={type} />;
}
