import { Check, Sparkles } from "lucide-react";
import { useState } from "react";
import { stringify } from "yaml";
import { type Part, partsOf, read, take } from "../../../graph";
import { messageOf } from "../../../ui/ErrorPanel";
import { Icon } from "../../../ui/Icon";
import { type Proposal, describe } from "../server";
import { useBuilder, useBuilderStore } from "../state";
import { Panel } from "./Panel";
import styles from "./panels.module.css";

const MARKS = { added: "+", changed: "~", removed: "−", trigger: "~", workflow: "~" } as const;

/** From words to a proposal; nothing of it is taken before somebody says so, part by part. */
export function Describe() {
  const store = useBuilderStore();
  const text = useBuilder((state) => state.history.present.state.text);
  const [words, setWords] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const proposed = proposal?.definition ?? null;
  const parts = proposed !== null && read(text).problems.length === 0 ? partsOf(text, proposed) : [];
  const chosen = parts.filter((part) => !left.has(part.key));

  const ask = async () => {
    setBusy(true);
    setWrong(null);
    try {
      const empty = store.getState().picture.workflow.steps.length === 0;
      setProposal(await describe(words, empty ? null : text));
      setLeft(new Set());
    } catch (error) {
      setWrong(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  const accept = (keys: readonly string[]) => {
    if (proposed === null) return;
    store.getState().write(take(text, proposed, new Set(keys)), "Parts of a proposal were taken", null);
    store.getState().say(`${keys.length} parts were taken`);
  };
  return (
    <Panel title="Describe it" says="Say in words what should happen. You choose what is taken.">
      <div className={styles.form}>
        <label htmlFor="describe-words">What should happen?</label>
        <textarea
          id="describe-words"
          className={styles.area}
          rows={4}
          value={words}
          placeholder="When a chest X-ray arrives, read it with the radiology assistant, store the finding, and tell the radiologist"
          onChange={(event) => setWords(event.target.value)}
          onKeyDown={(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && void ask()}
        />
        <button type="button" className={styles.primary} disabled={busy || words.trim() === ""} onClick={() => void ask()}>
          <Icon of={Sparkles} size={14} /> {busy ? "Thinking…" : "Propose"}
        </button>
      </div>
      {wrong && <p className={styles.wrong}>{wrong}</p>}
      {proposal && (
        <>
          <p className={styles.by}>
            {proposal.by === "model"
              ? "Proposed by the language model. Read it before you take it."
              : "No language model is configured: this was put together from the shipped templates and step types that fit your words."}
          </p>
          {proposal.note && <p className={styles.text}>{proposal.note}</p>}
          {proposal.missing.length > 0 && (
            <div className={styles.finding} data-severity="warning">
              <strong>Still missing</strong>
              <ul className={styles.changes}>
                {proposal.missing.map((one) => (
                  <li key={`${one.what}${one.words}`}>
                    {one.words}
                    {one.fix && <span className={styles.says}>{one.fix}</span>}
                  </li>
                ))}
              </ul>
            </div>
          )}
          {proposed !== null && parts.length === 0 && <p className={styles.text}>The draft has all of it.</p>}
          <ul className={styles.list}>
            {parts.map((part) => (
              <PartItem
                key={part.key}
                part={part}
                chosen={!left.has(part.key)}
                onChoose={(on) => setLeft(new Set(on ? [...left].filter((key) => key !== part.key) : [...left, part.key]))}
              />
            ))}
          </ul>
          {parts.length > 0 && (
            <button type="button" className={styles.primary} disabled={chosen.length === 0} onClick={() => accept(chosen.map((part) => part.key))}>
              <Icon of={Check} size={14} /> Take {chosen.length === parts.length ? "all" : `${chosen.length} of ${parts.length}`}
            </button>
          )}
        </>
      )}
    </Panel>
  );
}

function PartItem({ part, chosen, onChoose }: { part: Part; chosen: boolean; onChoose: (on: boolean) => void }) {
  return (
    <li className={styles.part} data-kind={part.kind}>
      <label>
        <input type="checkbox" checked={chosen} onChange={(event) => onChoose(event.target.checked)} />
        <span className={styles.mark}>{MARKS[part.kind]}</span>
        <strong>{part.title}</strong>
      </label>
      <details>
        <summary>{part.kind === "removed" ? "What goes" : "What comes"}</summary>
        <pre className={styles.code}>{stringify(part.after ?? part.before, { lineWidth: 0 })}</pre>
      </details>
    </li>
  );
}
