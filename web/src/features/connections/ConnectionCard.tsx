import { Button } from "@mantine/core";
import { Activity, Pencil } from "lucide-react";
import { useState } from "react";
import { refresh } from "../../api/queries";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Icon } from "../../ui/Icon";
import { Status } from "../../ui/Status";
import { counted, formatDuration } from "../../ui/format";
import { kindOf } from "./kinds";
import { PATH, test, type Connection, type Trial } from "./server";
import styles from "./connections.module.css";

interface Props {
  connection: Connection;
  mayEdit: boolean;
  onEdit: () => void;
}

export function ConnectionCard({ connection, mayEdit, onEdit }: Props) {
  const { id, kind, settings } = connection;
  const given = settings.from === "environment";
  return (
    <section className={styles.card} aria-label={`Connection ${id}`}>
      <header>
        <h2>{id}</h2>
        <span className={styles.kind}>{kindOf(kind)?.word ?? kind}</span>
        <span className={styles.state}>
          <Status of={stateOf(connection)} />
        </span>
      </header>
      <p className={styles.soft}>{addressOf(connection)}</p>
      {connection.health && (
        <p className={styles.soft}>
          {counted(connection.health.calls, "call")}, {counted(connection.health.failures, "failure")}
          {connection.health.lastError ? `, the last: ${connection.health.lastError}` : ""}
        </p>
      )}
      {mayEdit && !given && <Trying id={id} onEdit={onEdit} />}
    </section>
  );
}

/** The state of a connection in the words of Status. */
function stateOf({ health }: Connection): string {
  if (!health) return "untested";
  if (health.circuit === "open") return "failed";
  return health.circuit === "half-open" ? "retrying" : "ok";
}

function addressOf({ settings, kind }: Connection): string {
  if (settings.from === "environment") return "Given by the server's settings";
  const { url, host, database, from } = settings;
  if (kind === "sql") return `${String(host)}, database ${String(database)}`;
  const shown = [url ?? host, from && `from ${String(from)}`].filter(Boolean).map(String);
  return shown.join(", ") || "Its address is a secret";
}

function Trying({ id, onEdit }: { id: string; onEdit: () => void }) {
  const [busy, setBusy] = useState(false);
  const [trial, setTrial] = useState<Trial | null>(null);
  const [error, setError] = useState<unknown>(null);
  const ask = async () => {
    setBusy(true);
    setError(null);
    try {
      setTrial(await test(id));
      refresh(PATH);
    } catch (refusal) {
      setError(refusal);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <div aria-live="polite">
        {trial && (
          <p className={styles.trial} data-ok={trial.ok}>
            <Status of={trial.ok ? "ok" : "failed"} plain />
            <span>
              {trial.ok ? `Answered in ${formatDuration(trial.milliseconds)}` : (trial.message ?? "No answer")}
            </span>
          </p>
        )}
      </div>
      {error !== null && <ErrorPanel error={error} what="The connection was not tested" />}
      <div className={styles.buttons}>
        <Button size="xs" variant="default" leftSection={<Icon of={Activity} size={14} />} loading={busy} onClick={() => void ask()}>
          Test
        </Button>
        <Button size="xs" variant="default" leftSection={<Icon of={Pencil} size={14} />} onClick={onEdit}>
          Edit
        </Button>
      </div>
    </>
  );
}
