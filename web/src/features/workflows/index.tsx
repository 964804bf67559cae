import { Button, TextInput } from "@mantine/core";
import { FileText, PenLine, Plus, Search, Workflow } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
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
import { formatDuration } from "../../ui/format";
import { useFilter } from "../../ui/useFilter";
import { RowMenu } from "./RowMenu";
import { linesOf, useDrafts, useFigures, useWorkflows, type Figures, type Line } from "./server";
import { StartRun } from "./StartRun";
import { Templates } from "./Templates";
import { startsWords } from "./triggers";
import styles from "./workflows.module.css";

export default function WorkflowsPage() {
  const [find, setFind] = useFilter("find");
  const can = useCan();
  const [choosing, setChoosing] = useState(false);
  const [starting, setStarting] = useState<string | null>(null);
  const { data: workflows, error, refetch } = useWorkflows();
  const { data: drafts } = useDrafts();
  const data = workflows && drafts && linesOf(workflows, drafts);
  const figures = useFigures();
  useLiveRefresh(["workflow"], ["api/workflows", "api/drafts"]);
  useLiveRefresh(["run"], ["api/analytics/runs"]);
  const found = data?.filter((one) => matches(one, find)) ?? [];
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
            onChange={(event) => setFind(event.currentTarget.value)}
          />
        ) : undefined
      }
    >
      <div className={styles.body}>
        {choosing && <Templates onClose={() => setChoosing(false)} />}
        {starting && <StartRun workflow={starting} onClose={() => setStarting(null)} />}
        {error && <ErrorPanel error={error} what="The workflows could not be read" retry={() => void refetch()} />}
        {!data && !error && <Loading />}
        {data?.length === 0 && <Nothing canDeploy={can("workflow:deploy")} />}
        {data && data.length > 0 && found.length === 0 && (
          <Empty
            icon={Search}
            title={`Nothing is called “${find}”`}
            says="The search looks at names, ids, triggers and owners."
            action={{ word: "Show all workflows", act: () => setFind("") }}
          />
        )}
        {found.length > 0 && (
          <div className={styles.list}>
            <DataList
              label="Workflows"
              rows={found}
              columns={columns(figures, setStarting)}
              rowKey={({ id }) => id}
              href={({ href }) => href}
              rowHeight={44}
            />
          </div>
        )}
      </div>
    </Page>
  );
}

function matches({ id, name, owner, triggers }: Line, find: string): boolean {
  const text = `${id} ${name} ${owner ?? ""} ${startsWords(triggers)}`.toLowerCase();
  return find.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function columns(figures: ReadonlyMap<string, Figures>, start: (id: string) => void): Column<Line>[] {
  return [
    {
      key: "name",
      head: "Name",
      width: "minmax(160px, 2fr)",
      cell: ({ name, href, active, isDraft }) => (
        <span className={styles.name}>
          <Link to={href} tabIndex={-1}>
            {name}
          </Link>
          {isDraft && <Status of="draft" />}
          {!active && <Status of="paused" />}
        </span>
      ),
    },
    {
      key: "starts",
      head: "Starts",
      width: "minmax(0, 2fr)",
      wide: true,
      cell: ({ triggers, isDraft }) =>
        isDraft ? <Soft>Not live yet</Soft> : <span title={startsWords(triggers)}>{startsWords(triggers)}</span>,
    },
    {
      key: "last",
      head: "Last runs",
      width: "132px",
      cell: ({ id, name }) => {
        const last = figures.get(id)?.last ?? [];
        if (!last.length) return <Soft>No run yet</Soft>;
        return <StatusStrip of={last.map(({ status }) => status)} label={`Last runs of ${name}`} />;
      },
    },
    {
      key: "median",
      head: "Median",
      width: "80px",
      wide: true,
      cell: ({ id }) => {
        const median = figures.get(id)?.p50Ms;
        return median === null || median === undefined ? "" : formatDuration(median);
      },
    },
    {
      key: "next",
      head: "Next start",
      width: "104px",
      wide: true,
      cell: ({ id, active, triggers, isDraft }) => {
        if (isDraft) return <Soft>Once published</Soft>;
        const at = figures.get(id)?.nextFire;
        if (!active) return <Soft>Paused</Soft>;
        if (at) return <Ago at={at} />;
        return <Soft>{triggers.every(({ type }) => type === "manual") ? "When asked" : "On its event"}</Soft>;
      },
    },
    { key: "owner", head: "Owner", width: "minmax(0, 1fr)", wide: true, cell: ({ owner }) => owner ?? <Soft>Nobody</Soft> },
    { key: "version", head: "Version", width: "64px", align: "end", wide: true, cell: ({ version }) => version },
    { key: "changed", head: "Changed", width: "96px", align: "end", wide: true, cell: ({ updatedAt }) => <Ago at={updatedAt} /> },
    { key: "menu", head: "", width: "28px", cell: (line) => <RowMenu line={line} onStart={() => start(line.id)} /> },
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
