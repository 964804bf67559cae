import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Workflow } from "lucide-react";
import type { ReactNode } from "react";
import { Link, useSearchParams } from "react-router";
import { fhir } from "../../api/client";
import { isReference } from "../../evidence/addresses";
import { Reference } from "../../evidence/Values";
import { words } from "../../evidence/words";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Icon } from "../../ui/Icon";
import { JsonView } from "../../ui/JsonView";
import { Loading } from "../../ui/Loading";
import { Page } from "../../ui/Page";
import { Ago, Clock } from "../../ui/Time";
import { said, titleOf } from "./fhirText";
import type { Resource } from "./TypeTable";
import styles from "./data.module.css";

/** A resource: in words, as JSON, and how it became what it is. */
export function ResourceView({ type, id }: { type: string; id: string }) {
  const path = `${type}/${id}`;
  const [query, setQuery] = useSearchParams();
  const { data, error, isLoading } = useQuery({ queryKey: [`fhir/${path}`], queryFn: () => fhir<Resource>("GET", path) });
  if (isLoading) {
    return (
      <Page title={type}>
        <Loading what="the resource" />
      </Page>
    );
  }
  if (error || !data) {
    return (
      <Page title={type}>
        <ErrorPanel error={error} what="The resource cannot be shown" />
        <p>
          <Link to={`/data/${type}`}>Every {type}</Link>
        </p>
      </Page>
    );
  }
  const about = type === "Patient" ? id : undefined;
  return (
    <Page
      title={titleOf(data)}
      says={
        <>
          <Link to={`/data/${type}`}>{type}</Link> <span className={styles.mono}>{id}</span>, version {data.meta?.versionId}
          {data.meta?.lastUpdated && (
            <>
              , <Ago at={data.meta.lastUpdated} />
            </>
          )}
        </>
      }
      actions={
        <Link className={styles.use} to={`/workflows/new?resource=${type}`}>
          <Icon of={Workflow} /> Use in a workflow
        </Link>
      }
      full
    >
      <Tabs value={query.get("show") ?? "summary"} onChange={(tab) => setQuery(tab && tab !== "summary" ? { show: tab } : {}, { replace: true })} keepMounted={false} className={styles.tabs}>
        <Tabs.List>
          <Tabs.Tab value="summary">Summary</Tabs.Tab>
          <Tabs.Tab value="json">JSON</Tabs.Tab>
          <Tabs.Tab value="history">History</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="summary" className={styles.panel}>
          <Summary of={data} />
          {about && <Around patient={about} />}
        </Tabs.Panel>
        <Tabs.Panel value="json" className={styles.panel}>
          <JsonView value={data} label={type} open={4} root={type} />
        </Tabs.Panel>
        <Tabs.Panel value="history" className={styles.panel}>
          <History path={path} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

const APART = new Set(["resourceType", "id", "meta", "text", "contained", "implicitRules"]);

function Summary({ of }: { of: Record<string, unknown> }) {
  return (
    <dl className={styles.summary}>
      {Object.entries(of)
        .filter(([name]) => !APART.has(name))
        .map(([name, value]) => (
          <div key={name}>
            <dt>{words(name)}</dt>
            <dd>{shown(value, 0)}</dd>
          </div>
        ))}
    </dl>
  );
}

const DEEPEST = 3;

function shown(value: unknown, depth: number): ReactNode {
  if (Array.isArray(value)) {
    return (
      <ul className={styles.plain}>
        {value.map((one, at) => (
          <li key={at}>{shown(one, depth)}</li>
        ))}
      </ul>
    );
  }
  if (isReference(value)) return <Reference to={value} />;
  if (value === null || typeof value !== "object") return String(value);
  const { reference, display } = value as { reference?: unknown; display?: unknown };
  if (isReference(reference)) {
    return (
      <>
        {typeof display === "string" && `${display} `}
        <Reference to={reference} />
      </>
    );
  }
  const text = said(value);
  if (text) return text;
  if (depth >= DEEPEST) return <span className={styles.mono}>{JSON.stringify(value)}</span>;
  return (
    <dl className={styles.nested}>
      {Object.entries(value).map(([name, one]) => (
        <div key={name}>
          <dt>{words(name)}</dt>
          <dd>{shown(one, depth + 1)}</dd>
        </div>
      ))}
    </dl>
  );
}

const ABOUT_PATIENT = ["Encounter", "Observation", "Condition", "DiagnosticReport", "ImagingStudy", "MedicationRequest", "QuestionnaireResponse", "Task"];

/** What else is known of a patient. */
function Around({ patient }: { patient: string }) {
  return (
    <nav className={styles.around} aria-label="Of this patient">
      {ABOUT_PATIENT.map((type) => (
        <Link key={type} to={`/data/${type}?patient=Patient/${patient}`}>
          {words(type)}
        </Link>
      ))}
    </nav>
  );
}

interface HistoryBundle {
  entry?: { resource?: Resource; request?: { method?: string }; response?: { lastModified?: string; etag?: string } }[];
}

function History({ path }: { path: string }) {
  const { data, error, isLoading } = useQuery({
    queryKey: [`fhir/${path}/_history`],
    queryFn: () => fhir<HistoryBundle>("GET", `${path}/_history`, { query: { _count: 100 } }),
  });
  if (isLoading) return <Loading what="the history" />;
  if (error) return <ErrorPanel error={error} what="The history cannot be shown" />;
  const entries = data?.entry ?? [];
  return (
    <ol className={styles.history}>
      {entries.map((entry, at) => {
        const before = entries[at + 1]?.resource;
        const changed = entry.resource && before ? changes(before, entry.resource) : [];
        const when = entry.response?.lastModified ?? entry.resource?.meta?.lastUpdated;
        return (
          <li key={at}>
            <h3>
              Version {entry.resource?.meta?.versionId ?? entry.response?.etag?.replace(/\D/g, "")}, {METHODS[entry.request?.method ?? ""] ?? "changed"}
              {when && (
                <>
                  {" "}
                  <Clock at={when} />
                </>
              )}
            </h3>
            {changed.length > 0 && <p>Changed: {changed.join(", ")}</p>}
            {entry.resource && <JsonView value={entry.resource} label={`Version ${entry.resource.meta?.versionId}`} open={0} />}
          </li>
        );
      })}
    </ol>
  );
}

const METHODS: Record<string, string> = { POST: "created", PUT: "updated", PATCH: "patched", DELETE: "deleted" };

/** The elements that differ between two versions. */
function changes(before: Resource, after: Resource): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => name !== "meta" && JSON.stringify(before[name]) !== JSON.stringify(after[name])).map(words);
}
