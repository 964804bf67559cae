import { Button, Checkbox, PasswordInput, Select, TextInput } from "@mantine/core";
import { useState, type FormEvent, type KeyboardEvent } from "react";
import { refresh } from "../../api/queries";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { useToast } from "../../ui/Toasts";
import { body, KINDS, kindOf, type Field, type Values } from "./kinds";
import { keep, PATH, type Connection } from "./server";
import styles from "./connections.module.css";

interface Props {
  /** The one that is changed; a new one without. */
  connection?: Connection;
  taken: readonly string[];
  onDone: () => void;
}

export function ConnectionForm({ connection, taken, onDone }: Props) {
  const [id, setId] = useState(connection?.id ?? "");
  const [kindName, setKind] = useState(connection?.kind ?? "slack");
  const [values, setValues] = useState<Values>(() => valuesOf(connection));
  const [phi, setPhi] = useState(connection?.settings.phi === true);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const say = useToast();
  const kind = kindOf(kindName);
  if (!kind) return <ErrorPanel error={new Error(`This page does not know the kind ${kindName}`)} retry={onDone} />;
  const again = taken.includes(id.trim());

  async function save(event: FormEvent) {
    event.preventDefault();
    if (!kind || again) return;
    setBusy(true);
    setError(null);
    try {
      await keep(id.trim(), body(kind, values, connection?.settings ?? {}, phi));
      refresh(PATH);
      say(`The connection ${id.trim()} is kept`, { kind: "done" });
      onDone();
    } catch (refusal) {
      setError(refusal);
    } finally {
      setBusy(false);
    }
  }

  const leave = (event: KeyboardEvent) => {
    if (event.key === "Escape") onDone();
  };
  return (
    <form className={styles.form} aria-label={connection ? `Change ${connection.id}` : "New connection"} onSubmit={(event) => void save(event)} onKeyDown={leave}>
      {connection ? (
        <h2>Change {connection.id}</h2>
      ) : (
        <div className={styles.pair}>
          <TextInput
            label="Name"
            description="Workflows name it: team-slack"
            required
            autoFocus
            pattern="[A-Za-z0-9_.\-]+"
            value={id}
            error={again && "There is a connection of this name"}
            onChange={(event) => setId(event.currentTarget.value)}
          />
          <Select
            label="Kind"
            description={kind.says}
            data={KINDS.map(({ kind: value, word }) => ({ value, label: word }))}
            value={kindName}
            onChange={(value) => value && setKind(value)}
          />
        </div>
      )}
      <div className={styles.fields}>
        {kind.fields.map((field) => (
          <Entry
            key={`${field.in}.${field.name}`}
            field={field}
            isNew={!connection}
            value={values[`${field.in}.${field.name}`] ?? ""}
            onChange={(value) => setValues((all) => ({ ...all, [`${field.in}.${field.name}`]: value }))}
          />
        ))}
      </div>
      <Checkbox
        label="Cleared for messages and calls that name a patient"
        checked={phi}
        onChange={(event) => setPhi(event.currentTarget.checked)}
      />
      {connection && <p className={styles.soft}>Secrets are never shown again: enter them anew to keep the change.</p>}
      {error !== null && <ErrorPanel error={error} what="The connection was not kept" safe="What there was is as it was." />}
      <div className={styles.buttons}>
        <Button type="submit" size="xs" loading={busy}>
          Keep
        </Button>
        <Button size="xs" variant="default" onClick={onDone}>
          Leave it
        </Button>
      </div>
    </form>
  );
}

function valuesOf(connection: Connection | undefined): Values {
  const entries = Object.entries(connection?.settings ?? {}).filter(([, value]) => typeof value !== "object");
  return Object.fromEntries(entries.map(([name, value]) => [`settings.${name}`, String(value)]));
}

interface EntryProps {
  field: Field;
  isNew: boolean;
  value: string;
  onChange: (value: string) => void;
}

function Entry({ field, isNew, value, onChange }: EntryProps) {
  const shown = {
    label: field.label,
    description: field.says,
    placeholder: field.placeholder,
    required: field.required ?? false,
  };
  if (field.choices) {
    return <Select {...shown} clearable data={[...field.choices]} value={value || null} onChange={(chosen) => onChange(chosen ?? "")} />;
  }
  if (field.in === "secret") {
    return (
      <PasswordInput
        {...shown}
        required={isNew && shown.required}
        autoComplete="new-password"
        value={value}
        visibilityToggleButtonProps={{ "aria-label": `Show ${field.label}` }}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  return <TextInput {...shown} value={value} onChange={(event) => onChange(event.currentTarget.value)} />;
}
