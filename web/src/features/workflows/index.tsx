import { Button, TextInput } from "@mantine/core";
import { FileText, PenLine, Plus, Search, Workflow } from "lucide-react";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { useLiveRefresh } from "../../api/live";
import { useCan } from "../../api/me";
import { DataList, type Column } from "../../ui/DataList";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Icon } from "../../ui/Icon";
import { Loading } from "../../ui/Loading";
import { Page } from "../../ui/Page";
import { Status } from "../../ui/Status";
import { StatusStrip } from "../../ui/StatusStrip";
import { Ago } from "../../ui/Time";
import { useLastRuns, useNextTimes, useWorkflows, type LastRuns, type WorkflowSummary } from "./server";
import { Templates } from "./Templates";
import { startsWords } from "./triggers";
import styles from "./workflows.module.css";

export default function WorkflowsPage() {
  const [query, setQuery] = useSearchParams();
  const find = query.get("find") ?? "";
  const can = useCan();
  const [choosing, setChoosing] = useState(false);
  const { data, error, refetch } = useWorkflows();
  const last = useLastRuns();
  const next = useNextTimes();
  useLiveRefresh(["workflow"], ["api/workflows", "api/schedules"]);
  useLiveRefresh(["run"], ["api/workflows/runs"]);
  const found = (data ?? []).filter((one) => matches(one, find));
  return (
    <Page
      title="Workflows"
      full
      actions={can("workflow:deploy") && <Beginnings choosing={choosing} onChoose={() => setChoosing(!choosing)} />}
      filters={
        data && data.length > 0 ? (
          <TextInput
            className={styles.find}
            aria-label="Find a workflow"
            placeholder="Name, trigger or owner"
            leftSection={<Icon of={Search} />}
            value={find}
            onChange={({ currentTarget: { value } }) => setQuery(value ? { find: value } : {}, { replace: true })}
          />
        ) : undefined
      }
    >
      {choosing && <Templates onClose={() => setChoosing(false)} />}
      {error && <ErrorPanel error={error} what="The workflows could not be read" retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data?.length === 0 && <Nothing canDeploy={can("workflow:deploy")} />}
      {data && data.length > 0 && found.length === 0 && (
        <Empty
          icon={Search}
          title={`Nothing is called “${find}”`}
          says="The search looks at names, ids, triggers and owners."
          action={{ word: "Show all workflows", act: () => setQuery({}) }}
        />
      )}
      {found.length > 0 && (
        <DataList
          label="Workflows"
          rows={found}
          columns={columns(last, next)}
          rowKey={({ id }) => id}
          href={({ id }) => `/workflows/${encodeURIComponent(id)}`}
          rowHeight={56}
        />
      )}
    </Page>
  );
}

function matches({ id, name, owner, triggers }: WorkflowSummary, find: string): boolean {
  const text = `${id} ${name} ${owner ?? ""} ${startsWords(triggers)}`.toLowerCase();
  return find.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function columns(last: LastRuns, next: ReadonlyMap<string, string>): Column<WorkflowSummary>[] {
  return [
    {
      key: "name",
      head: "Name",
      width: "minmax(160px, 2fr)",
      cell: ({ id, name, active }) => (
        <span className={styles.name}>
          <Link to={`/workflows/${encodeURIComponent(id)}`} tabIndex={-1}>
            {name}
          </Link>
          {!active && <Status of="paused" />}
        </span>
      ),
    },
    {
      key: "starts",
      head: "Starts",
      width: "minmax(0, 2fr)",
      wide: true,
      cell: ({ triggers }) => <span title={startsWords(triggers)}>{startsWords(triggers)}</span>,
    },
    {
      key: "last",
      head: "Last runs",
      width: "132px",
      cell: ({ id, name }) =>
        last.get(id) ? <StatusStrip of={last.get(id) ?? []} label={`Last runs of ${name}`} /> : <Soft>No run yet</Soft>,
    },
    {
      key: "next",
      head: "Next start",
      width: "104px",
      wide: true,
      cell: ({ id, active, triggers }) => {
        const at = next.get(id);
        if (!active) return <Soft>Paused</Soft>;
        if (at) return <Ago at={at} />;
        return <Soft>{triggers.every(({ type }) => type === "manual") ? "When asked" : "On its event"}</Soft>;
      },
    },
    { key: "owner", head: "Owner", width: "minmax(0, 1fr)", wide: true, cell: ({ owner }) => owner ?? <Soft>Nobody</Soft> },
    { key: "version", head: "Version", width: "64px", align: "end", wide: true, cell: ({ version }) => version },
    { key: "changed", head: "Changed", width: "96px", align: "end", wide: true, cell: ({ updatedAt }) => <Ago at={updatedAt} /> },
  ];
}

const Soft = ({ children }: { children: string }) => <span className={styles.soft}>{children}</span>;

function Beginnings({ choosing, onChoose }: { choosing: boolean; onChoose: () => void }) {
  return (
    <>
      <Button
        variant="default"
        leftSection={<Icon of={PenLine} />}
        component={Link}
        to="/workflows/new?describe=1"
      >
        Describe it
      </Button>
      <Button variant="default" leftSection={<Icon of={FileText} />} aria-expanded={choosing} onClick={onChoose}>
        From a template
      </Button>
      <Button leftSection={<Icon of={Plus} />} component={Link} to="/workflows/new">
        New
      </Button>
    </>
  );
}

function Nothing({ canDeploy }: { canDeploy: boolean }) {
  return (
    <Empty
      icon={Workflow}
      title="No workflows yet"
      says="Each workflow appears here with what starts it, how its last runs ended and when it runs next. Radiology triage is ready to be tried with synthetic data."
      {...(canDeploy
        ? { action: { word: "Try radiology triage", to: "/workflows/new?template=radiology-triage&first=1" } }
        : {})}
    />
  );
}
