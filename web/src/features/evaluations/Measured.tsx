import { Button, NativeSelect, TextInput } from "@mantine/core";
import { ClipboardCheck } from "lucide-react";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { api } from "../../api/client";
import { useCan } from "../../api/me";
import { refresh, useApi } from "../../api/queries";
import { percent } from "../../evidence/words";
import { Empty } from "../../ui/Empty";
import { ErrorPanel, messageOf } from "../../ui/ErrorPanel";
import { counted } from "../../ui/format";
import { Loading } from "../../ui/Loading";
import { Status } from "../../ui/Status";
import { Ago } from "../../ui/Time";
import { useToast } from "../../ui/Toasts";
import { RunDetail } from "./RunDetail";
import { gateInWords, type GoldSet, type Run } from "./server";
import styles from "./evaluations.module.css";

/** Gold sets with their gates, what was measured on them, and one evaluation in full. */
export function Measured() {
  const [query] = useSearchParams();
  const can = useCan();
  const { data: sets, error, refetch } = useApi<GoldSet[]>("api/gold-sets");
  const { data: runs = [] } = useApi<Run[]>("api/evaluations/runs", {}, { keep: true });
  const run = query.get("run");
  const from = query.get("from");
  if (error) return <ErrorPanel error={error} what="The gold sets could not be read" retry={() => void refetch()} />;
  if (!sets) return <Loading what="the gold sets" />;
  return (
    <div className={styles.cards}>
      {from && can("evaluation:write") && <AddReviewed workflow={from} sets={sets} />}
      {sets.length === 0 ? (
        <Empty
          icon={ClipboardCheck}
          title="No gold sets yet"
          says="A gold set holds cases with what is right: from a file, by careloom evaluate, or from what reviewers decided."
          action={{ word: "See what was reviewed", to: "/evaluations" }}
        />
      ) : (
        <ul className={styles.sets} aria-label="Gold sets">
          {sets.map((one) => (
            <Gold key={one.name} one={one} />
          ))}
        </ul>
      )}
      {run && <RunDetail id={run} runs={runs} />}
      {runs.length > 0 && <Runs runs={runs} selected={run} />}
    </div>
  );
}

function Gold({ one }: { one: GoldSet }) {
  const tags = Object.entries(one.tags);
  return (
    <li className={styles.card}>
      <header>
        <h2>{one.name}</h2>
        <p className={styles.soft}>
          {counted(one.cases, "case")}, revision {one.revision}
          {tags.length > 0 && `: ${tags.map(([tag, count]) => `${count} ${tag}`).join(", ")}`}
        </p>
        {one.description && <p>{one.description}</p>}
      </header>
      {one.gates.length > 0 && (
        <div>
          <h3>Before a deployment</h3>
          <ul className={styles.list}>
            {one.gates.map((gate) => (
              <li key={gateInWords(gate)}>{gateInWords(gate)}</li>
            ))}
          </ul>
        </div>
      )}
    </li>
  );
}

function Runs({ runs, selected }: { runs: readonly Run[]; selected: string | null }) {
  return (
    <section className={styles.card} aria-label="Evaluations">
      <h2>Evaluations</h2>
      <div className={styles.wide}>
        <table className={styles.table} data-stacks>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Gold set</th>
              <th scope="col">Right</th>
              <th scope="col">Calibration error</th>
              <th scope="col">State</th>
              <th scope="col">When</th>
            </tr>
          </thead>
          <tbody>
            {runs.map((one) => (
              <tr key={one.id} aria-current={one.id === selected || undefined}>
                <th scope="row">
                  <Link to={`/evaluations?view=measured&run=${one.id}`}>{one.subject}</Link>
                  <span className={styles.soft}>{[one.facts.model, one.facts.modelVersion].filter(Boolean).join(" ")}</span>
                </th>
                <td data-head="Gold set">
                  {one.goldSet}, {one.revision}
                </td>
                <td data-head="Right">{one.metrics?.accuracy ? interval(one.metrics.accuracy) : `${one.progress.done} of ${one.progress.of}`}</td>
                <td data-head="Calibration error">
                  {one.metrics?.ece && interval(one.metrics.ece)}
                  {one.metrics?.miscalibrated && <strong className={styles.bad}> too large</strong>}
                </td>
                <td data-head="State">
                  <Status of={one.status} />
                </td>
                <td data-head="When">
                  <Ago at={one.createdAt} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const interval = ({ value, low, high }: { value: number; low: number; high: number }): string =>
  `${percent(value)} (${percent(low)} to ${percent(high)})`;

/** What reviewers of a workflow decided becomes cases. */
function AddReviewed({ workflow, sets }: { workflow: string; sets: readonly GoldSet[] }) {
  const [chosen, choose] = useState(sets[0]?.name ?? "");
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const say = useToast();
  const target = chosen || name.trim();
  const add = async () => {
    setBusy(true);
    try {
      if (!chosen) await api.put(`api/gold-sets/${encodeURIComponent(target)}`, {});
      const told = await api.post<{ added: number; changed: number }>(`api/gold-sets/${encodeURIComponent(target)}/cases`, {
        fromTasks: { workflow },
      });
      say(`${counted(told.added, "case")} added to ${target}, ${told.changed} renewed`, { kind: "done" });
      refresh("api/gold-sets");
    } catch (error) {
      say(messageOf(error), { kind: "failed" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className={styles.card} aria-label="Add reviewed cases">
      <h2>Add what reviewers of {workflow} decided</h2>
      <div className={styles.row}>
        <NativeSelect
          label="Gold set"
          value={chosen}
          data={[...sets.map((one) => ({ value: one.name, label: one.name })), { value: "", label: "A new one" }]}
          onChange={(event) => choose(event.currentTarget.value)}
        />
        {!chosen && <TextInput label="Its name" value={name} onChange={(event) => setName(event.currentTarget.value)} />}
        <Button onClick={() => void add()} disabled={!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(target)} loading={busy}>
          Add the cases
        </Button>
      </div>
      <p className={styles.soft}>What was agreed or edited is taken; reviewers saw the suggestion, so add cases that were labelled blind, too.</p>
    </section>
  );
}
