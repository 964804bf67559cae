import { Braces } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { Icon } from "../../../ui/Icon";
import type { Name } from "../server";
import styles from "./fields.module.css";
import { matching, tokenAt, withName } from "./names";

interface Props {
  id: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
  names: readonly Name[];
  /** The whole text is an expression, as in a condition. */
  whole?: boolean;
  /** Further values that can be chosen. */
  offers?: readonly string[];
  required?: boolean;
  described?: string | undefined;
  invalid?: boolean;
  mono?: boolean;
  rows?: number;
}

interface Offer {
  name: string;
  type: string;
  whole: boolean;
}

/** A text in which names of data can stand; they are offered while one writes. */
export function ExpressionInput(props: Props) {
  const { id, label, value, onChange, names, whole = false, offers = [] } = props;
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState(false);
  const [at, setAt] = useState(0);
  const [caret, setCaret] = useState(0);
  const area = useRef<HTMLTextAreaElement>(null);
  const wanted = useRef<number | null>(null);
  const list = useId();
  const token = tokenAt(value, caret, whole);
  const offered = open ? offersFor(names, offers, value, token?.text ?? (asked ? "" : null)) : [];
  const active = offered[Math.min(at, offered.length - 1)];

  useLayoutEffect(() => {
    if (wanted.current === null) return;
    area.current?.setSelectionRange(wanted.current, wanted.current);
    setCaret(wanted.current);
    wanted.current = null;
  }, [value]);
  useEffect(() => {
    document.getElementById(`${list}-${Math.min(at, offered.length - 1)}`)?.scrollIntoView({ block: "nearest" });
  }, [at, list, offered.length]);

  const choose = (offer: Offer) => {
    setOpen(false);
    setAsked(false);
    if (offer.whole) {
      wanted.current = offer.name.length;
      onChange(offer.name);
    } else {
      const put = withName(value, caret, token, offer.name, whole);
      wanted.current = put.caret;
      onChange(put.text);
    }
    area.current?.focus();
  };
  const ask = () => {
    setAsked(true);
    setOpen(true);
    setAt(0);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === " " && event.ctrlKey) ask();
    else if (!active) {
      if (event.key === "Enter" && !event.shiftKey && !value.includes("\n") && (props.rows ?? 1) === 1) event.preventDefault();
      return;
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      setAt((Math.min(at, offered.length - 1) + (event.key === "ArrowDown" ? 1 : -1) + offered.length) % offered.length);
    } else if (event.key === "Enter" || event.key === "Tab") choose(active);
    else if (event.key === "Escape") {
      setOpen(false);
      setAsked(false);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className={styles.expression}>
      <textarea
        ref={area}
        id={id}
        className={styles.text}
        data-mono={props.mono || whole || value.includes("{{") || undefined}
        aria-label={label}
        aria-haspopup="listbox"
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={active ? `${list}-${Math.min(at, offered.length - 1)}` : undefined}
        aria-required={props.required}
        aria-describedby={props.described}
        aria-invalid={props.invalid || undefined}
        rows={Math.min(12, Math.max(props.rows ?? 1, value.split("\n").length))}
        spellCheck={false}
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
          setCaret(event.target.selectionStart);
          setOpen(true);
          setAt(0);
        }}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
        onFocus={() => offers.length > 0 && value === "" && setOpen(true)}
        onBlur={() => {
          setOpen(false);
          setAsked(false);
        }}
        onKeyDown={press}
      />
      {names.length > 0 && (
        <button
          type="button"
          className={styles.data}
          aria-label={`Data for ${label}`}
          title="Data of earlier steps (Ctrl Space)"
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => {
            area.current?.focus();
            if (open && asked) setOpen(false);
            else ask();
          }}
        >
          <Icon of={Braces} size={14} />
        </button>
      )}
      <ul id={list} role="listbox" aria-label={`Data for ${label}`} className={styles.offers} hidden={offered.length === 0}>
        {offered.map((offer, index) => (
          <li
            key={`${offer.whole}${offer.name}`}
            id={`${list}-${index}`}
            role="option"
            aria-selected={offer === active}
            onMouseDown={(event) => {
              event.preventDefault();
              choose(offer);
            }}
          >
            <span className={styles.name}>{offer.name}</span>
            <span className={styles.type}>{offer.type}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function offersFor(names: readonly Name[], values: readonly string[], text: string, token: string | null): Offer[] {
  const found = token === null ? [] : matching(names, token).map(({ name, type }) => ({ name, type, whole: false }));
  if (found.length === 1 && found[0]?.name === token) return [];
  const wanted = text.trim().toLowerCase();
  const plain = (token !== null && token !== "") || values.includes(text) ? [] : values.filter((one) => one.toLowerCase().includes(wanted));
  return [...plain.slice(0, 60).map((name) => ({ name, type: "", whole: true })), ...found];
}
