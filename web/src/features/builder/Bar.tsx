import { CircleAlert, CircleCheck, CircleDashed, CloudOff, Code2, History, ListTree, LoaderCircle, Play, Redo2, Rocket, Sparkles, TriangleAlert, Undo2, WandSparkles } from "lucide-react";
import { useStore } from "zustand";
import { setField } from "../../graph";
import { useCan } from "../../api/me";
import { Icon } from "../../ui/Icon";
import styles from "./Bar.module.css";
import type { Saver, Saving } from "./saving";
import { type Panel, useBuilder, useBuilderStore } from "./state";
import type { Testing } from "./testing";

interface Props {
  saver: Saver;
  testing: Testing;
  live: number | null;
  /** Whether the first run is still to come: then Test run is what to press. */
  first: boolean;
  /** Whether what is built differs from what is live. */
  unpublished: boolean;
}

export function Bar({ saver, testing, live, first, unpublished }: Props) {
  const store = useBuilderStore();
  const can = useCan();
  const yaml = useBuilder((state) => state.yaml);
  const panel = useBuilder((state) => state.panel);
  const undoable = useBuilder((state) => state.history.past.at(-1) && state.history.present.words);
  const redoable = useBuilder((state) => state.history.future[0]?.words);
  const { undo, redo, move, open, set } = store.getState();
  const toggle = (which: Panel) => open(panel === which ? null : which);
  return (
    <header className={styles.bar}>
      <NameField />
      <SavingChip saver={saver} live={live} unpublished={unpublished} />
      <span className={styles.space} />
      <span className={styles.group}>
        <Tool icon={Undo2} word={undoable ? `Undo: ${undoable}` : "Undo"} keys="Ctrl Z" disabled={!undoable} act={undo} />
        <Tool icon={Redo2} word={redoable ? `Do again: ${redoable}` : "Do again"} keys="Ctrl Shift Z" disabled={!redoable} act={redo} />
        <Tool icon={WandSparkles} word="Tidy" keys="Ctrl L" act={() => move({}, "Tidied")} />
      </span>
      <button type="button" className={styles.button} aria-pressed={yaml} onClick={() => set({ yaml: !yaml })}>
        <Icon of={Code2} size={15} /> YAML
      </button>
      <ValidityChip />
      <button type="button" className={styles.button} aria-label="Describe it" aria-expanded={panel === "describe"} onClick={() => toggle("describe")}>
        <Icon of={Sparkles} size={15} /> <span className={styles.wide}>Describe it</span>
      </button>
      <span className={styles.group}>
        <Tool icon={History} word="History of the draft" act={() => toggle("history")} pressed={panel === "history"} />
        <Tool icon={ListTree} word="Versions" act={() => toggle("versions")} pressed={panel === "versions"} />
      </span>
      <span className={styles.split}>
        <button
          type="button"
          className={styles.primary}
          data-first={first || undefined}
          disabled={testing.busy || !can("workflow:run")}
          onClick={() => void testing.run()}
        >
          <Icon of={testing.busy ? LoaderCircle : Play} size={15} /> Test run
        </button>
        <button type="button" className={styles.caret} aria-label="What the test run starts with" aria-expanded={panel === "test"} onClick={() => toggle("test")}>
          ▾
        </button>
      </span>
      <button type="button" className={styles.button} aria-expanded={panel === "publish"} disabled={!can("workflow:deploy")} onClick={() => toggle("publish")}>
        <Icon of={Rocket} size={15} /> Publish
      </button>
    </header>
  );
}

interface ToolProps {
  icon: Parameters<typeof Icon>[0]["of"];
  word: string;
  keys?: string;
  disabled?: boolean;
  pressed?: boolean;
  act: () => void;
}

function Tool({ icon, word, keys, disabled = false, pressed, act }: ToolProps) {
  return (
    <button
      type="button"
      className={styles.tool}
      aria-label={word}
      aria-pressed={pressed}
      title={keys ? `${word} (${keys})` : word}
      disabled={disabled}
      onClick={act}
    >
      <Icon of={icon} size={16} />
    </button>
  );
}

function NameField() {
  const store = useBuilderStore();
  const name = useBuilder((state) => state.picture.workflow.name);
  const root = useBuilder((state) => state.picture.workflow.root);
  return (
    <h1 className={styles.heading}>
      <input
        className={styles.name}
        aria-label="Name of the workflow"
        value={name}
        size={Math.min(Math.max(name.length, 12), 30)}
        onChange={(event) =>
          store.getState().change((text) => setField(text, root, ["name"], event.target.value || undefined), "The workflow was named", "workflow:name")
        }
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
      />
    </h1>
  );
}

const WORDS: Readonly<Record<Saving, string>> = {
  saved: "Saved",
  unsaved: "Saving…",
  saving: "Saving…",
  offline: "No connection: kept in this browser",
  conflict: "Somebody else saved, too",
  refused: "Not saved",
};

function SavingChip({ saver, live, unpublished }: { saver: Saver; live: number | null; unpublished: boolean }) {
  const store = useBuilderStore();
  const state = useStore(saver.store, (now) => now.state);
  const stored = useStore(saver.store, (now) => now.stored);
  const reason = useStore(saver.store, (now) => now.reason);
  const word = state === "saved" && !stored ? "" : WORDS[state];
  const alarming = state === "conflict" || state === "refused";
  return (
    <span className={styles.chips}>
      <span className={styles.chip} data-kind={live === null ? "draft" : "live"}>
        {live === null ? "Draft" : `Live v${live}`}
      </span>
      {unpublished && (
        <span className={styles.chip} data-kind="unpublished" title="What is built here differs from the version that is live">
          Unpublished changes
        </span>
      )}
      <span className={styles.saving} data-kind={alarming ? "failed" : state === "offline" ? "waiting" : "quiet"} role="status" title={reason ?? undefined}>
        {state === "offline" && <Icon of={CloudOff} size={14} />}
        {word}
      </span>
      {state === "conflict" && (
        <button type="button" className={styles.link} onClick={() => store.getState().open("conflict")}>
          Compare
        </button>
      )}
    </span>
  );
}

const MARKS = { failed: CircleAlert, waiting: TriangleAlert, done: CircleCheck, quiet: CircleDashed } as const;

/** As many as the list has, by what is to be done about them. */
function countsOf(errors: number, warnings: number, notes: number): string[] {
  const words = [errors > 0 && `${errors} to fix`, warnings > 0 && `${warnings} to look at`, notes > 0 && `${notes} ${notes === 1 ? "note" : "notes"}`];
  return words.filter((word) => word !== false);
}

/** How many things are to fix; opens the list. */
function ValidityChip() {
  const store = useBuilderStore();
  const errors = useBuilder((state) => state.findings.filter((finding) => finding.severity === "error").length);
  const warnings = useBuilder((state) => state.findings.filter((finding) => finding.severity === "warning").length);
  const broken = useBuilder((state) => state.problem !== null);
  const panel = useBuilder((state) => state.panel);
  const checked = useBuilder((state) => state.checkedText !== null);
  const empty = useBuilder((state) => state.picture.workflow.steps.length === 0);
  const kind = broken || errors > 0 ? "failed" : warnings > 0 ? "waiting" : checked ? "done" : "quiet";
  const notes = useBuilder((state) => state.findings.filter((finding) => finding.severity === "info").length);
  const counted = countsOf(errors, warnings, notes);
  const rest = broken || errors + warnings === 0 ? (checked && notes > 0 ? counted : []) : counted.slice(1);
  const word = broken ? "YAML cannot be read" : errors + warnings > 0 ? counted[0] : empty ? "Add a step" : checked ? "Valid" : "Checking";
  return (
    <button
      type="button"
      className={styles.validity}
      title={counted.join(", ") || undefined}
      data-kind={kind}
      aria-expanded={panel === "findings"}
      onClick={() => store.getState().open(panel === "findings" ? null : "findings")}
    >
      <Icon of={MARKS[kind]} size={14} />
      <span>
        {word}
        {rest.length > 0 && <span className={styles.wide}>, {rest.join(", ")}</span>}
      </span>
    </button>
  );
}
