import { Button, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { api } from "../../api/client";
import { useCan, useMe } from "../../api/me";
import { refresh } from "../../api/queries";
import { messageOf } from "../../ui/ErrorPanel";
import { useToast } from "../../ui/Toasts";
import styles from "./inbox.module.css";
import { isOpen, type Task } from "./tasks";

const NAPS: readonly [word: string, minutes: number][] = [
  ["an hour", 60],
  ["4 hours", 240],
  ["tomorrow", 24 * 60],
];

/** Take a task, let it go, hand it on, or put it off for a while. */
export function Handing({ task }: { task: Task }) {
  const can = useCan();
  const say = useToast();
  const { data: me } = useMe();
  const [open, setOpen] = useState<"to" | "snooze">();
  const [to, setTo] = useState("");
  const [busy, setBusy] = useState(false);
  if (!isOpen(task) || !can("task:claim")) return null;
  const mine = task.assignee === me?.principal;

  const act = async (what: string, body: unknown, done: string) => {
    setBusy(true);
    try {
      await api.post(`api/tasks/${task.id}/${what}`, body);
      refresh("api/tasks");
      setOpen(undefined);
      say(done, { kind: "done" });
    } catch (error) {
      say(messageOf(error), { kind: "failed" });
    } finally {
      setBusy(false);
    }
  };
  const hand = (event: FormEvent) => {
    event.preventDefault();
    const [kind, name] = to.includes(":") ? (to.split(":", 2) as [string, string]) : ["user", to];
    void act(mine ? "delegate" : "assign", { to: { [kind]: name.trim() } }, `Assigned to ${name.trim()}`);
  };
  return (
    <div className={styles.handing}>
      {mine ? (
        <Button size="xs" variant="default" loading={busy} onClick={() => void act("release", {}, "Given back")}>
          Give back
        </Button>
      ) : (
        task.assignee === null && (
          <Button size="xs" variant="default" loading={busy} onClick={() => void act("claim", {}, "It is yours")}>
            Claim
          </Button>
        )
      )}
      {(mine || can("task:assign")) && (
        <Button size="xs" variant="default" aria-expanded={open === "to"} onClick={() => setOpen(open === "to" ? undefined : "to")}>
          Assign
        </Button>
      )}
      <Button size="xs" variant="default" aria-expanded={open === "snooze"} onClick={() => setOpen(open === "snooze" ? undefined : "snooze")}>
        Snooze
      </Button>
      {open === "to" && (
        <form className={styles.to} onSubmit={hand}>
          <TextInput size="xs" aria-label="To whom" placeholder="ada, group:icu or queue:ward-3" value={to} onChange={(event) => setTo(event.currentTarget.value)} autoFocus />
          <Button size="xs" type="submit" disabled={!to.trim()} loading={busy}>
            Assign
          </Button>
        </form>
      )}
      {open === "snooze" && (
        <div className={styles.to} role="group" aria-label="Put off for">
          {NAPS.map(([word, minutes]) => (
            <Button key={word} size="xs" variant="default" loading={busy} onClick={() => void act("snooze", { until: new Date(Date.now() + minutes * 60_000).toISOString() }, `Put off for ${word}`)}>
              {word}
            </Button>
          ))}
        </div>
      )}
    </div>
  );
}
