import { Wrench } from "lucide-react";
import { Linked } from "../../evidence/Values";
import { words } from "../../evidence/words";
import { Icon } from "../../ui/Icon";
import { JsonView } from "../../ui/JsonView";
import { Ago } from "../../ui/Time";
import styles from "./sessions.module.css";
import { textOf, type Message } from "./talk";

const KNOWN = new Set(["id", "sessionId", "taskId", "turn", "role", "content", "createdAt", "parts", "at", "step"]);

/** One message: who said it; the tools that were called and what they gave can be unfolded. */
export function Said({ message }: { message: Message }) {
  const text = textOf(message.content);
  const rest = Object.fromEntries(Object.entries(message).filter(([name, value]) => !KNOWN.has(name) && value !== null && value !== undefined));
  const tool = message.role === "tool";
  const at = message.createdAt ?? (message.at as string | undefined);
  return (
    <li className={styles.said} data-role={message.role}>
      <p className={styles.soft}>
        {tool && <Icon of={Wrench} size={12} />} {tool ? `Tool ${message.name ?? message.tool ?? ""}` : WHO[message.role] ?? words(message.role)} {at && <Ago at={at} />}
      </p>
      {tool ? (
        <details>
          <summary>What it gave</summary>
          <JsonView value={parsed(text)} label="What the tool gave" open={2} />
        </details>
      ) : (
        <p className={styles.text}>
          <Linked text={text} />
        </p>
      )}
      {Object.keys(rest).length > 0 && (
        <details>
          <summary>{message.calls ? `Called ${message.calls.map(({ name }) => name).join(", ")}` : "What it rests on"}</summary>
          <JsonView value={rest} label="What it rests on" open={3} />
        </details>
      )}
    </li>
  );
}

const WHO: Record<string, string> = { user: "You", assistant: "Worker", worker: "Worker", system: "Careloom", person: "A person" };

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
