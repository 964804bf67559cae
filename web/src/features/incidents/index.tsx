import { Button, SegmentedControl } from "@mantine/core";
import { Check, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { api } from "../../api/client";
import { useCan } from "../../api/me";
import { refresh, useApi } from "../../api/queries";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Icon } from "../../ui/Icon";
import { Loading } from "../../ui/Loading";
import { Page } from "../../ui/Page";
import { Status } from "../../ui/Status";
import { Ago, Clock } from "../../ui/Time";
import { useToast } from "../../ui/Toasts";
import { counted } from "../../ui/format";
import { causeOf, isOpen, kindWords, toDo, type Incident } from "./incident";
import styles from "./incidents.module.css";

const PATH = "api/incidents";

export default function IncidentsPage() {
  const [query, setQuery] = useSearchParams();
  const all = query.get("show") === "all";
  const { data, error, refetch } = useApi<Incident[]>(PATH, { limit: 100 });
  const shown = data?.filter((one) => all || isOpen(one));
  return (
    <Page
      title="Incidents"
      says="What needs a look, by its cause."
      filters={
        data && data.length > 0 ? (
          <SegmentedControl
            aria-label="Which incidents"
            data={[
              { value: "open", label: "Open" },
              { value: "all", label: "All" },
            ]}
            value={all ? "all" : "open"}
            onChange={(value) => setQuery(value === "all" ? { show: "all" } : {})}
          />
        ) : undefined
      }
    >
      {error && <ErrorPanel error={error} what="The incidents could not be read" retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {shown?.length === 0 && (
        <Empty
          icon={ShieldCheck}
          title="Nothing needs a look"
          says="A failed run, an image without a known patient, or an event that nothing could take appears here with its cause and what to do."
          action={{ word: "See the runs", to: "/runs" }}
        />
      )}
      <ul className={styles.cards} aria-label="Incidents">
        {shown?.map((one) => (
          <li key={one.id}>
            <Card incident={one} />
          </li>
        ))}
      </ul>
    </Page>
  );
}

function Card({ incident }: { incident: Incident }) {
  const { kind, status, count, ref, firstAt, lastAt } = incident;
  const { workflow, step, words } = causeOf(incident);
  const next = isOpen(incident) ? toDo(kind) : undefined;
  return (
    <section className={styles.card} aria-label={`${kindWords(kind)}: ${words}`}>
      <header>
        <Status of={status} />
        <h2>{kindWords(kind)}</h2>
        <span className={styles.count}>{counted(count, "time")}</span>
      </header>
      <p className={styles.cause}>
        {workflow && (
          <>
            <Link to={`/workflows/${encodeURIComponent(workflow)}`}>{workflow}</Link>, step <code>{step}</code>:{" "}
          </>
        )}
        {words}
      </p>
      {next && <p>{next}</p>}
      <p className={styles.soft}>
        Last <Ago at={lastAt} />
        {count > 1 && (
          <>
            , first <Clock at={firstAt} />
          </>
        )}
      </p>
      <Actions incident={incident} run={ref?.run} workflow={workflow} />
    </section>
  );
}

interface ActionsProps {
  incident: Incident;
  run: string | undefined;
  workflow: string | undefined;
}

/** Closing says that somebody has looked; the same cause opens a new incident when it comes again. */
function Actions({ incident, run, workflow }: ActionsProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const can = useCan();
  const say = useToast();
  const close = async () => {
    setBusy(true);
    setError(null);
    try {
      await api.post(`${PATH}/${encodeURIComponent(incident.id)}/close`);
      say("The incident is closed", { kind: "done" });
      refresh(PATH);
    } catch (refusal) {
      setError(refusal);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {error !== null && <ErrorPanel error={error} what="The incident was not closed" safe="It is as it was." />}
      <div className={styles.buttons}>
        {run && (
          <Button component={Link} to={`/runs/${run}`} size="xs" variant="default">
            Open the {incident.count > 1 ? "last run" : "run"}
          </Button>
        )}
        {workflow && incident.count > 1 && (
          <Button
            component={Link}
            to={`/runs?workflow=${encodeURIComponent(workflow)}&status=failed`}
            size="xs"
            variant="default"
          >
            All failed runs
          </Button>
        )}
        {isOpen(incident) && can("workflow:run") && (
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon of={Check} size={14} />}
            loading={busy}
            onClick={() => void close()}
          >
            Close
          </Button>
        )}
      </div>
    </>
  );
}
