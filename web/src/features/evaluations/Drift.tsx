import { Button, TextInput } from "@mantine/core";
import { Activity } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { api } from "../../api/client";
import { useLiveRefresh } from "../../api/live";
import { useCan } from "../../api/me";
import { refresh, useApi } from "../../api/queries";
import { Empty } from "../../ui/Empty";
import { ErrorPanel, messageOf } from "../../ui/ErrorPanel";
import { counted } from "../../ui/format";
import { Loading } from "../../ui/Loading";
import { Ago } from "../../ui/Time";
import { useToast } from "../../ui/Toasts";
import { changeOf, CONVERSATION, placeOf, type Demotion, type DriftShown, type Stream, type Test } from "./server";
import styles from "./evaluations.module.css";

/** What changed over time: demotions, which a person lifts, and each stream's windows. */
export function Drift() {
  const { data, error, refetch } = useApi<DriftShown>("api/drift");
  useLiveRefresh(["incident"], ["api/drift"]);
  if (error) return <ErrorPanel error={error} what="The watch could not be read" retry={() => void refetch()} />;
  if (!data) return <Loading what="the watch" />;
  const holding = data.demotions.filter(({ liftedAt }) => liftedAt === null);
  const lifted = data.demotions.filter(({ liftedAt }) => liftedAt !== null);
  if (!data.streams.length && !data.demotions.length)
    return (
      <Empty
        icon={Activity}
        title="Nothing was seen yet"
        says="Answers of AI steps and decisions on them are looked at as they come. The first ones become the reference; each later window is held against it."
      />
    );
  return (
    <div className={styles.cards}>
      {holding.map((one) => (
        <Holding key={one.id} one={one} />
      ))}
      {data.streams.map((one) => (
        <Watched key={[one.kind, one.workflowId, one.path, one.model, one.version, one.worker].join("|")} one={one} falseAlarms={data.settings.falseAlarms} />
      ))}
      {lifted.length > 0 && (
        <section className={styles.card} aria-label="Lifted demotions">
          <h2>Trusted again</h2>
          <ul className={styles.list}>
            {lifted.map((one) => (
              <li key={one.id}>
                {one.model} in {placeOf(one)}, <Ago at={one.liftedAt ?? one.at} /> by {one.liftedBy}: {one.liftedWhy}
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

/** The step it is about, with the way there. */
function Place({ of }: { of: { workflowId: string; path: string | null } }) {
  if (of.workflowId === CONVERSATION) return <Link to="/sessions">{placeOf(of)}</Link>;
  return (
    <>
      <Link to={`/workflows/${of.workflowId}`}>{of.workflowId}</Link>
      {of.path && ` ${of.path.split("/").at(-1)}`}
    </>
  );
}

function why({ reason }: Demotion): string {
  if (reason.why) return reason.why;
  return `${(reason.tests ?? []).map(({ name }) => changeOf(name)).join(", ")} changed`;
}

function Holding({ one }: { one: Demotion }) {
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const can = useCan();
  const say = useToast();
  const lift = async () => {
    setBusy(true);
    try {
      await api.post(`api/drift/demotions/${one.id}/lift`, { reason });
      say(`${one.model} decides again in ${placeOf(one)}`, { kind: "done" });
      refresh("api/drift");
    } catch (error) {
      say(messageOf(error), { kind: "failed" });
      setBusy(false);
    }
  };
  return (
    <section className={`${styles.card} ${styles.demoted}`} aria-label={`Demoted: ${one.model} in ${placeOf(one)}`}>
      <header>
        <h2>{one.model} is demoted</h2>
        <p>
          In <Place of={one} />, <Ago at={one.at} />: {why(one)}. Until it is lifted its answers count as unsure.
        </p>
      </header>
      {can("evaluation:write") && (
        <div className={styles.row}>
          <TextInput label="Why it can be trusted again" value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          <Button onClick={() => void lift()} disabled={!reason.trim()} loading={busy}>
            Lift
          </Button>
        </div>
      )}
    </section>
  );
}

function Watched({ one, falseAlarms }: { one: Stream; falseAlarms: number }) {
  const names = [...new Set(one.windows.flatMap(({ tests }) => tests.map(({ name }) => name)))];
  return (
    <section className={styles.card} aria-label={`${one.model} in ${placeOf(one)}, ${one.kind}`}>
      <header>
        <h2>{one.model}</h2>
        <p className={styles.soft}>
          {one.worker ? `${one.worker}, ` : one.version && `version ${one.version}, `}
          <Place of={one} />:{" "}
          {counted(one.seen, one.kind === "answers" ? "answer" : "decision")} seen
        </p>
      </header>
      {one.windows.length === 0 ? (
        <p className={styles.soft}>
          {one.reference.have < one.reference.of
            ? `The reference fills: ${one.reference.have} of ${one.reference.of}`
            : `The first window fills: ${one.filling.have} of ${one.filling.of}`}
        </p>
      ) : (
        <div className={styles.wide}>
          <table className={styles.table} data-stacks>
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">Reference</th>
                <th scope="col">Last window</th>
                <th scope="col">p of each window</th>
              </tr>
            </thead>
            <tbody>
              {names.map((name) => (
                <Line key={name} name={name} windows={one.windows} falseAlarms={falseAlarms} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Line({ name, windows, falseAlarms }: { name: string; windows: Stream["windows"]; falseAlarms: number }) {
  const tests = windows.flatMap(({ at, tests }) => tests.filter((test) => test.name === name).map((test) => ({ at, test })));
  const last = tests.at(-1)?.test;
  return (
    <tr>
      <th scope="row" className={styles.first}>
        {changeOf(name)}
      </th>
      <td data-head="Reference">{valueOf(last?.reference)}</td>
      <td data-head="Last window">
        {valueOf(last?.window)} {last?.found && <strong className={styles.bad}>changed</strong>}
      </td>
      <td data-head="p of each window">
        <Windows name={name} tests={tests} falseAlarms={falseAlarms} />
      </td>
    </tr>
  );
}

function valueOf(value: unknown): string {
  if (typeof value === "number") return String(Math.round(value * 1000) / 1000);
  if (!value || typeof value !== "object") return "";
  return Object.entries(value)
    .map(([name, share]) => `${name} ${Math.round(Number(share) * 100)} %`)
    .join(", ");
}

/** Each window as a bar, the higher the less likely by chance; the line is the stated bound. */
function Windows({ name, tests, falseAlarms }: { name: string; tests: { at: number; test: Test }[]; falseAlarms: number }) {
  const height = (p: number) => Math.min(1, -Math.log10(Math.max(p, 1e-12)) / 6) * 32;
  const bound = 36 - height(falseAlarms);
  const found = tests.filter(({ test }) => test.found).length;
  return (
    <svg
      className={styles.windows}
      width={Math.max(60, tests.length * 8)}
      height={40}
      role="img"
      aria-label={`${changeOf(name)}: ${found} of ${tests.length} windows changed; the last has p ${tests.at(-1)?.test.p}`}
    >
      {tests.map(({ at, test }, number) => (
        <rect key={at} x={number * 8} y={36 - Math.max(2, height(test.p))} width={6} height={Math.max(2, height(test.p))} data-found={test.found || undefined} />
      ))}
      <line x1={0} x2={Math.max(60, tests.length * 8)} y1={bound} y2={bound} />
    </svg>
  );
}
