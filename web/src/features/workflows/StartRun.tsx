import { Button, Checkbox, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { Play } from "lucide-react";
import { useEffect, useId, useRef, useState, type FormEvent } from "react";
import { useNavigate } from "react-router";
import { api } from "../../api/client";
import { refresh, useApi } from "../../api/queries";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Icon } from "../../ui/Icon";
import { Loading } from "../../ui/Loading";
import { fieldsOf, triggerOf, wholeOf, type InputField, type InputSchema } from "./input";
import styles from "./workflows.module.css";

interface Detail {
  name: string;
  definition: { input?: InputSchema };
}

/** A run by hand: asked in place for what the workflow's input names; then its page opens. */
export function StartRun({ workflow, onClose }: { workflow: string; onClose: () => void }) {
  const path = `api/workflows/${encodeURIComponent(workflow)}`;
  const { data, error } = useApi<Detail>(path);
  if (error) return <ErrorPanel error={error} what="The workflow could not be read" retry={onClose} />;
  if (!data) return <Loading what="the workflow" />;
  return <Form key={workflow} name={data.name} path={path} schema={data.definition.input} onClose={onClose} />;
}

interface FormProps {
  name: string;
  path: string;
  schema: InputSchema | undefined;
  onClose: () => void;
}

function Form({ name, path, schema, onClose }: FormProps) {
  const fields = fieldsOf(schema);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [whole, setWhole] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const title = useId();
  const place = useRef<HTMLFormElement>(null);
  const navigate = useNavigate();
  useEffect(() => place.current?.querySelector<HTMLElement>("input, textarea, select, button")?.focus(), []);

  async function start(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const trigger = fields.length ? triggerOf(fields, values) : wholeOf(whole);
      const { runId } = await api.post<{ runId: string }>(`${path}/execute`, trigger);
      refresh("api/workflows/runs", "api/analytics/runs");
      void navigate(`/runs/${runId}`);
    } catch (wrong) {
      setError(wrong);
      setBusy(false);
    }
  }

  return (
    <form
      ref={place}
      className={styles.start}
      aria-labelledby={title}
      onSubmit={(event) => void start(event)}
      onKeyDown={({ key }) => key === "Escape" && onClose()}
    >
      <h2 id={title}>Start {name}</h2>
      <div className={styles.fields}>
        {fields.map((field) => (
          <Entry
            key={field.name}
            field={field}
            value={values[field.name] ?? field.begin}
            onChange={(value) => setValues((all) => ({ ...all, [field.name]: value }))}
          />
        ))}
        {fields.length === 0 && (
          <Textarea
            label="Input"
            description="A JSON object; it becomes trigger in expressions. Nothing is an empty one."
            placeholder="{}"
            rows={4}
            spellCheck={false}
            value={whole}
            onChange={(event) => setWhole(event.currentTarget.value)}
          />
        )}
      </div>
      {error !== null && <ErrorPanel error={error} what="No run was started" />}
      <div className={styles.buttons}>
        <Button type="submit" size="xs" leftSection={<Icon of={Play} size={14} />} loading={busy}>
          Start
        </Button>
        <Button size="xs" variant="default" onClick={onClose}>
          Leave it
        </Button>
      </div>
    </form>
  );
}

interface EntryProps {
  field: InputField;
  value: string;
  onChange: (value: string) => void;
}

function Entry({ field, value, onChange }: EntryProps) {
  const shown = { label: field.label, description: field.says, required: field.required };
  const typed = (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value);
  if (field.kind === "flag") {
    return (
      <Checkbox
        label={field.label}
        description={field.says}
        checked={value === "true"}
        onChange={(event) => onChange(String(event.currentTarget.checked))}
      />
    );
  }
  if (field.kind === "choice") {
    const data = [{ value: "", label: "Choose" }, ...field.choices.map((one) => ({ value: one, label: one }))];
    return <NativeSelect {...shown} data={data} value={value} onChange={typed} />;
  }
  if (field.kind === "json") {
    return <Textarea {...shown} rows={3} spellCheck={false} placeholder="JSON" value={value} onChange={typed} />;
  }
  const numeric = field.kind === "number";
  return <TextInput {...shown} {...(numeric ? { inputMode: "decimal" as const } : {})} value={value} onChange={typed} />;
}
