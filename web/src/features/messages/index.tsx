import { MessageSquareText } from "lucide-react";
import { Fragment } from "react";
import { Link, useSearchParams } from "react-router";
import { useLiveRefresh } from "../../api/live";
import { useApi } from "../../api/queries";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { JsonView } from "../../ui/JsonView";
import { Loading } from "../../ui/Loading";
import { Page } from "../../ui/Page";
import { Status } from "../../ui/Status";
import { Ago } from "../../ui/Time";
import { counted } from "../../ui/format";
import styles from "./messages.module.css";

interface Message {
  id: string;
  runId: string | null;
  path: string;
  channel: string;
  connection: string | null;
  status: string;
  receipt: { attempt?: number; promise?: string } | null;
  warnings: { message: string }[];
  createdAt: string;
  to: string[] | null;
  subject: string | null;
  text: string | null;
  payload: unknown;
}

const PATH = "api/messages";
const CHANNELS: Record<string, string> = { email: "E-mail", slack: "Slack", webhook: "Webhook" };

export default function MessagesPage() {
  const [query] = useSearchParams();
  const run = query.get("run");
  const { data, error, refetch } = useApi<Message[]>(PATH, { limit: 100, run });
  useLiveRefresh(["message"], [PATH]);
  return (
    <Page title="Messages" says={run ? <>Of the run {run}. <Link to="/messages">All messages</Link></> : "Who was told what, and whether it left the house. The newest 100."}>
      {error && <ErrorPanel error={error} what="The messages could not be read" retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data?.length === 0 && (
        <Empty
          icon={MessageSquareText}
          title="No messages yet"
          says="What workflows tell people appears here. Without a connection it is captured instead of sent."
          action={{ word: "See the connections", to: "/connections" }}
        />
      )}
      <ul className={styles.list} aria-label="Messages">
        {data?.map((one) => (
          <li key={one.id}>
            <Card message={one} />
          </li>
        ))}
      </ul>
    </Page>
  );
}

function Card({ message }: { message: Message }) {
  const { status, channel, to, createdAt, subject, text, payload, runId, warnings } = message;
  return (
    <article className={styles.card}>
      <header>
        <Status of={status} />
        <h2>
          {CHANNELS[channel] ?? channel} to {to?.join(", ") || "the connection's receiver"}
        </h2>
        <span className={styles.soft}>
          <Ago at={createdAt} />
        </span>
      </header>
      {subject && <p className={styles.subject}>{subject}</p>}
      {text && (
        <blockquote className={styles.text}>
          <Linked text={text} />
        </blockquote>
      )}
      {payload !== null && payload !== undefined && <JsonView value={payload} label="content" open={1} />}
      <p className={styles.soft}>
        {fate(message)}
        {runId && (
          <>
            {" "}
            <Link to={`/runs/${runId}`}>Open the run</Link>
          </>
        )}
      </p>
      {warnings.map(({ message: said }) => (
        <p key={said} className={styles.soft}>
          {said}
        </p>
      ))}
    </article>
  );
}

function fate({ status, connection, receipt }: Message): string {
  if (status === "captured") return "Kept here, not sent: there is no connection for it yet.";
  const through = connection ? `Through ${connection}` : "Through the server's settings";
  const attempts = receipt?.attempt && receipt.attempt > 1 ? `, ${counted(receipt.attempt, "attempt")}` : "";
  return `${through}${attempts}${receipt?.promise ? `, ${receipt.promise.replaceAll("_", " ")}` : ""}.`;
}

const NAMED = /(run_[0-9a-f]{32})|\b([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{8,64})\b/g;

/** Runs and resources that a text names lead to their pages. */
function Linked({ text }: { text: string }) {
  const parts: { said: string; to?: string }[] = [];
  let at = 0;
  for (const found of text.matchAll(NAMED)) {
    const [said, run] = found;
    parts.push({ said: text.slice(at, found.index) }, { said, to: run ? `/runs/${run}` : `/fhir/${said}` });
    at = found.index + said.length;
  }
  parts.push({ said: text.slice(at) });
  return parts.map(({ said, to }, index) => <Fragment key={index}>{to ? <Link to={to}>{said}</Link> : said}</Fragment>);
}
