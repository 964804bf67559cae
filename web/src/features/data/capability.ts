import { useQuery } from "@tanstack/react-query";
import { fhir } from "../../api/client";

export interface SearchParameter {
  name: string;
  type: string;
  documentation?: string;
}

interface Statement {
  rest: { resource: { type: string; searchParam?: SearchParameter[] }[] }[];
}

/** What the store can be asked, as it says itself. http://hl7.org/fhir/R4/capabilitystatement.html */
export function useCapability(): Map<string, SearchParameter[]> | undefined {
  const { data } = useQuery({
    queryKey: ["fhir/metadata"],
    queryFn: () => fhir<Statement>("GET", "metadata"),
    staleTime: Infinity,
    select: (statement) =>
      new Map((statement.rest[0]?.resource ?? []).map(({ type, searchParam = [] }) => [type, searchParam] as const)),
  });
  return data;
}
