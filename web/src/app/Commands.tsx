import { useId, useMemo, useState, type KeyboardEvent } from "react";
import { useNavigate } from "react-router";
import { useApi } from "../api/queries";
import { useCan } from "../api/me";
import { Sheet } from "../ui/Sheet";
import { pages, railPages } from "./routes";
import styles from "./Commands.module.css";

interface Command {
  word: string;
  kind: string;
  to: string;
}

const SHOWN = 12;

function useCommands(text: string): Command[] {
  const can = useCan();
  const { data: workflows } = useApi<{ id: string; name: string }[]>("api/workflows", {}, {
    enabled: can("workflow:read"),
  });
  return useMemo(() => {
    const allowed = (needs?: string) => needs === undefined || can(needs);
    const all: Command[] = [
      ...railPages
        .filter(({ rail }) => allowed(rail.needs))
        .map(({ rail }) => ({ word: rail.word, kind: "Page", to: rail.to })),
      ...pages.flatMap(({ commands = [] }) =>
        commands.filter(({ needs }) => allowed(needs)).map(({ word, to }) => ({ word, kind: "Do", to })),
      ),
      ...(workflows ?? []).map(({ id, name }) => ({ word: name, kind: "Workflow", to: `/workflows/${id}` })),
    ];
    const sought = text.trim().toLowerCase();
    const found = all.filter(({ word, kind }) => `${word} ${kind}`.toLowerCase().includes(sought));
    const run = /^run_[\w-]+$/.exec(text.trim());
    return [
      ...(run ? [{ word: `Open ${run[0]}`, kind: "Run", to: `/runs/${run[0]}` }] : []),
      ...found,
    ].slice(0, SHOWN);
  }, [can, text, workflows]);
}

/** Ctrl K: go anywhere, open any workflow, or a run by its id. */
export function Commands({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const navigate = useNavigate();
  const list = useId();
  const found = useCommands(text);
  const open = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    void navigate(command.to);
  };
  const keys = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) setAt((now) => (now + by + found.length) % Math.max(found.length, 1));
    else if (event.key === "Enter") open(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Sheet label="Search and commands" onClose={onClose}>
      <input
        className={styles.input}
        role="combobox"
        aria-label="Search pages, workflows and commands"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={found[at] ? `${list}-${at}` : undefined}
        placeholder="A page, a workflow, a run id"
        autoFocus
        value={text}
        onChange={(event) => (setText(event.currentTarget.value), setAt(0))}
        onKeyDown={keys}
      />
      <ul className={styles.list} id={list} role="listbox" aria-label="Found">
        {found.map((command, index) => (
          <li
            key={`${command.kind} ${command.to}`}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === at}
            className={styles.option}
            onMouseMove={() => setAt(index)}
            onClick={() => open(command)}
          >
            {command.word}
            <span>{command.kind}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className={styles.none}>Nothing is called this.</p>}
    </Sheet>
  );
}
