import { useState } from "react";
import { begin, optionsOf, plain, valueKey, wordOf, type Node } from "./model";
import type { Words } from "./language";
import { Search } from "./Search";
import type { Source } from "./source";
import { extension, type Answer, type Coding, type Item, type Questionnaire } from "./types";
import styles from "./form.module.css";

export interface FieldProps {
  form: Questionnaire;
  item: Item;
  nodes: readonly Node[];
  readOnly: boolean;
  wrong: boolean;
  words: Words;
  labelledBy: string;
  describedBy: string | undefined;
  source: Source;
  onNodes: (act: (nodes: readonly Node[]) => readonly Node[]) => void;
}

const FEW = 6;

/** The control of one question, by its type. */
export function Field(props: FieldProps) {
  const { item, form } = props;
  const options = optionsOf(item, form);
  if (item.type === "boolean") return <Options {...props} options={[{ valueBoolean: true }, { valueBoolean: false }]} />;
  if (item.answerValueSet && !options.length) return <Search {...props} valueSet={item.answerValueSet} />;
  const chosen = item.type === "choice" || item.type === "open-choice" || options.length > 0;
  if (chosen && (item.repeats || (options.length <= FEW && control(item) !== "drop-down"))) return <Options {...props} options={options} />;
  if (chosen) return <Select {...props} options={options} />;
  return <Inputs {...props} />;
}

function control(item: Item): string | undefined {
  const concept = extension(item, "questionnaire-itemControl") as { coding?: Coding[] } | undefined;
  return concept?.coding?.[0]?.code;
}

const sameAnswer = (one: Answer | undefined, other: Answer): boolean => {
  if (!one) return false;
  const [coding, wanted] = [one.valueCoding, other.valueCoding];
  if (coding && wanted) return coding.code === wanted.code && coding.system === wanted.system;
  return JSON.stringify(plain(one)) === JSON.stringify(plain(other));
};

/** A few options: round buttons for one, boxes for several; a text for what is not among them. */
function Options(props: FieldProps & { options: Answer[] }) {
  const { item, nodes, options, words, readOnly } = props;
  const several = item.repeats === true;
  const own = nodes.find(({ answer }) => answer && !options.some((one) => sameAnswer(answer, one)));
  const [open, setOpen] = useState(own !== undefined);
  const toggle = (option: Answer, on: boolean) =>
    props.onNodes((all) => {
      const others = several ? all.filter(({ answer }) => !sameAnswer(answer, option)) : [];
      return on ? [...others, { answer: option, items: begin(item.item) }] : others;
    });
  const other = (text: string | undefined) =>
    props.onNodes((all) => {
      const listed = several ? all.filter(({ answer }) => options.some((one) => sameAnswer(answer, one))) : [];
      return text === undefined ? listed : [...listed, { answer: { valueString: text }, items: begin(item.item) }];
    });
  return (
    <div
      className={styles.options}
      role={several ? "group" : "radiogroup"}
      aria-labelledby={props.labelledBy}
      aria-describedby={props.describedBy}
      data-row={item.type === "boolean" || undefined}
    >
      {options.map((option) => {
        const word = item.type === "boolean" ? (option.valueBoolean ? words.yes : words.no) : wordOf(option);
        return (
          <label key={JSON.stringify(option)} className={styles.option}>
            <input
              type={several ? "checkbox" : "radio"}
              name={props.labelledBy}
              checked={nodes.some(({ answer }) => sameAnswer(answer, option))}
              disabled={readOnly}
              onChange={(event) => {
                if (!several) setOpen(false);
                toggle(option, event.currentTarget.checked);
              }}
            />
            {word}
          </label>
        );
      })}
      {item.type === "open-choice" && (
        <>
          <label className={styles.option}>
            <input
              type={several ? "checkbox" : "radio"}
              name={props.labelledBy}
              checked={open}
              disabled={readOnly}
              onChange={(event) => {
                setOpen(event.currentTarget.checked);
                other(event.currentTarget.checked ? "" : undefined);
              }}
            />
            {words.other}
          </label>
          {open && (
            <input
              type="text"
              className={styles.input}
              aria-label={words.other}
              readOnly={readOnly}
              value={own?.answer?.valueString ?? ""}
              onChange={(event) => other(event.currentTarget.value)}
            />
          )}
        </>
      )}
    </div>
  );
}

function Select(props: FieldProps & { options: Answer[] }) {
  const { item, nodes, options, words, readOnly } = props;
  const current = nodes[0]?.answer;
  const at = options.findIndex((option) => sameAnswer(current, option));
  const own = item.type === "open-choice" && current !== undefined && at < 0;
  const set = (answer: Answer | undefined) => props.onNodes(() => (answer ? [{ answer, items: begin(item.item) }] : []));
  return (
    <div className={styles.row}>
      <select
        className={styles.input}
        aria-labelledby={props.labelledBy}
        aria-describedby={props.describedBy}
        aria-invalid={props.wrong || undefined}
        disabled={readOnly}
        value={own ? "other" : at < 0 ? "" : String(at)}
        onChange={(event) => {
          const { value } = event.currentTarget;
          set(value === "other" ? { valueString: "" } : options[Number(value || -1)]);
        }}
      >
        <option value="">{words.choose}</option>
        {options.map((option, index) => (
          <option key={index} value={index}>
            {wordOf(option)}
          </option>
        ))}
        {item.type === "open-choice" && <option value="other">{words.other}</option>}
      </select>
      {own && (
        <input
          type="text"
          className={styles.input}
          aria-label={words.other}
          readOnly={readOnly}
          value={current.valueString ?? ""}
          onChange={(event) => set({ valueString: event.currentTarget.value })}
        />
      )}
    </div>
  );
}

/** One input, or for a repeating question as many as there are answers. */
function Inputs(props: FieldProps) {
  const { item, nodes, words, readOnly } = props;
  const shown: readonly (Node | undefined)[] = nodes.length ? nodes : [undefined];
  const set = (at: number, answer: Answer | undefined) =>
    props.onNodes((all) => {
      const next = all.length ? [...all] : [{ items: begin(item.item) }];
      const before = next[at] ?? { items: begin(item.item) };
      next[at] = answer ? { ...before, answer } : { items: before.items };
      return item.repeats || answer ? next : [];
    });
  return (
    <div className={styles.inputs}>
      {shown.map((node, at) => (
        <div key={at} className={styles.row}>
          <Input {...props} answer={node?.answer} onAnswer={(answer) => set(at, answer)} />
          {item.repeats && shown.length > 1 && !readOnly && (
            <button type="button" className={styles.small} onClick={() => props.onNodes((all) => all.filter((_, other) => other !== at))}>
              {words.remove}
            </button>
          )}
        </div>
      ))}
      {item.repeats && !readOnly && (
        <button type="button" className={styles.small} onClick={() => props.onNodes((all) => [...(all.length ? all : [{ items: {} }]), { items: begin(item.item) }])}>
          {words.another}
        </button>
      )}
    </div>
  );
}

type InputProps = FieldProps & { answer: Answer | undefined; onAnswer: (answer: Answer | undefined) => void };

const KINDS: Partial<Record<Item["type"], string>> = { date: "date", dateTime: "datetime-local", time: "time", url: "url" };

function Input(props: InputProps) {
  const { item, answer, readOnly, onAnswer } = props;
  const common = {
    className: styles.input,
    "aria-labelledby": props.labelledBy,
    "aria-describedby": props.describedBy,
    "aria-invalid": props.wrong || undefined,
    "aria-required": item.required || undefined,
    readOnly,
  };
  const key = valueKey(item);
  const value = answer ? (plain(answer) as string | number | undefined) : undefined;
  const text = (next: string) => onAnswer(next === "" ? undefined : { [key]: next });
  if (item.type === "attachment") return <FileInput {...props} />;
  if (item.type === "quantity") return <QuantityInput {...props} />;
  if (item.type === "decimal" || item.type === "integer") {
    return (
      <span className={styles.row}>
        <NumberInput common={common} value={typeof value === "number" ? value : undefined} whole={item.type === "integer"} onValue={(next) => onAnswer(next === undefined ? undefined : { [key]: next })} />
        <Unit item={item} />
      </span>
    );
  }
  if (item.type === "text") {
    return <textarea {...common} rows={4} maxLength={item.maxLength} value={String(value ?? "")} onChange={(event) => text(event.currentTarget.value)} />;
  }
  if (item.type === "reference") {
    return (
      <input {...common} type="text" placeholder="Patient/123" value={answer?.valueReference?.reference ?? ""} onChange={(event) => onAnswer(event.currentTarget.value ? { valueReference: { reference: event.currentTarget.value } } : undefined)} />
    );
  }
  if (item.type === "dateTime") {
    return <input {...common} type="datetime-local" value={localOf(String(value ?? ""))} onChange={(event) => text(event.currentTarget.value ? new Date(event.currentTarget.value).toISOString() : "")} />;
  }
  return <input {...common} type={KINDS[item.type] ?? "text"} maxLength={item.maxLength} value={String(value ?? "")} onChange={(event) => text(item.type === "time" && event.currentTarget.value.length === 5 ? `${event.currentTarget.value}:00` : event.currentTarget.value)} />;
}

/** An instant as `datetime-local` wants it, in the zone of the person. */
function localOf(instant: string): string {
  const time = new Date(instant);
  if (!instant || Number.isNaN(time.getTime())) return "";
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function Unit({ item }: { item: Item }) {
  const unit = extension(item, "questionnaire-unit") as Coding | undefined;
  return unit ? <span className={styles.unit}>{unit.display ?? unit.code}</span> : null;
}

type Common = Record<string, unknown>;

interface NumberProps {
  common: Common;
  value: number | undefined;
  whole: boolean;
  onValue: (value: number | undefined) => void;
}

/** A number as it is typed; what is no number yet is kept until it is one. A comma counts as a point. */
function NumberInput({ common, value, whole, onValue }: NumberProps) {
  const [typed, setTyped] = useState(value === undefined ? "" : String(value));
  const shown = Number(typed.replace(",", ".")) === value && typed !== "" ? typed : value === undefined ? typed : String(value);
  return (
    <input
      {...common}
      type="text"
      inputMode={whole ? "numeric" : "decimal"}
      value={shown}
      onChange={(event) => {
        const text = event.currentTarget.value;
        setTyped(text);
        const read = text.trim() === "" ? undefined : Number(text.trim().replace(",", "."));
        onValue(read !== undefined && Number.isFinite(read) ? read : undefined);
      }}
    />
  );
}

function QuantityInput(props: InputProps) {
  const { item, answer, words, readOnly, onAnswer } = props;
  const options = (item.extension ?? []).filter(({ url }) => url.endsWith("/questionnaire-unitOption")).map((one) => one.valueCoding as Coding);
  const fixed = extension(item, "questionnaire-unit") as Coding | undefined;
  const quantity = answer?.valueQuantity;
  const unit = options.find((one) => one.code === quantity?.code) ?? fixed ?? options[0];
  const told = (coding: Coding | undefined) =>
    coding ? { ...(coding.system ? { system: coding.system } : {}), ...(coding.code ? { code: coding.code } : {}), unit: coding.display ?? coding.code ?? "" } : {};
  return (
    <span className={styles.row}>
      <NumberInput
        common={{ className: styles.input, "aria-labelledby": props.labelledBy, "aria-describedby": props.describedBy, "aria-invalid": props.wrong || undefined, readOnly }}
        value={quantity?.value}
        whole={false}
        onValue={(value) => onAnswer(value === undefined ? undefined : { valueQuantity: { value, ...told(unit), ...(unit ? {} : quantity?.unit ? { unit: quantity.unit } : {}) } })}
      />
      {options.length > 1 ? (
        <select
          className={styles.input}
          aria-label={words.unit}
          disabled={readOnly}
          value={unit?.code ?? ""}
          onChange={(event) => {
            const chosen = options.find((one) => one.code === event.currentTarget.value);
            onAnswer({ valueQuantity: { ...(quantity?.value === undefined ? {} : { value: quantity.value }), ...told(chosen) } });
          }}
        >
          {options.map((one) => (
            <option key={one.code} value={one.code}>
              {one.display ?? one.code}
            </option>
          ))}
        </select>
      ) : unit ? (
        <span className={styles.unit}>{unit.display ?? unit.code}</span>
      ) : (
        <input
          type="text"
          className={styles.input}
          aria-label={words.unit}
          readOnly={readOnly}
          value={quantity?.unit ?? ""}
          onChange={(event) => onAnswer({ valueQuantity: { ...(quantity?.value === undefined ? {} : { value: quantity.value }), unit: event.currentTarget.value } })}
        />
      )}
    </span>
  );
}

function FileInput({ item, answer, words, readOnly, labelledBy, describedBy, wrong, source, onAnswer }: InputProps) {
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const types = (item.extension ?? []).filter(({ url }) => url.endsWith("/mimeType")).map((one) => String(one.valueCode));
  return (
    <span className={styles.row}>
      {!readOnly && (
        <input
          type="file"
          className={styles.file}
          aria-labelledby={labelledBy}
          aria-describedby={describedBy}
          aria-invalid={wrong || undefined}
          accept={types.join(",") || undefined}
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? [];
            setFault(undefined);
            if (!file) return onAnswer(undefined);
            setBusy(true);
            source
              .keep(item.linkId, file)
              .then(
                (valueAttachment) => onAnswer({ valueAttachment }),
                (error: unknown) => setFault(error instanceof Error ? error.message : words.tooLarge),
              )
              .finally(() => setBusy(false));
          }}
        />
      )}
      {busy && <span role="status">{words.sending}</span>}
      {answer?.valueAttachment && <span className={styles.unit}>{answer.valueAttachment.title}</span>}
      {answer && !readOnly && (
        <button type="button" className={styles.small} onClick={() => onAnswer(undefined)}>
          {words.remove}
        </button>
      )}
      {fault && (
        <span className={styles.fault} role="alert">
          {fault}
        </span>
      )}
    </span>
  );
}
