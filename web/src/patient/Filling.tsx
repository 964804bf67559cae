import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Form } from "../questionnaire/Form";
import type { Words } from "../questionnaire/language";
import { faults as faultsOf, fromPlain, fromResponse, type Answers } from "../questionnaire/model";
import type { QuestionnaireResponse } from "../questionnaire/types";
import { useCalculated } from "../questionnaire/useCalculated";
import { explained } from "./PatientPage";
import { calculate, keep, Refused, send, sourceOf, type OpenForm } from "./server";

interface Props {
  token: string;
  opened: OpenForm;
  words: Words;
}

const KEEP_AFTER = 1_500;

function first({ form, draft, prefill }: OpenForm): Answers {
  if (draft?.answers?.item) return fromResponse(form.item, draft.answers.item);
  return fromPlain(form.item, { ...prefill, ...draft?.data });
}

export function Filling({ token, opened, words }: Props) {
  const { form } = opened;
  const [answers, setAnswers] = useState(() => first(opened));
  const [typed, setTyped] = useState(0);
  const [faults, setFaults] = useState<ReadonlyMap<string, string>>(new Map());
  const [said, setSaid] = useState<string>();
  const [sending, setSending] = useState(false);
  const [sent, setSent] = useState(false);
  const [kept, setKept] = useState(false);
  const notice = useRef<HTMLParagraphElement>(null);

  useEffect(() => {
    if (!typed || sent) return;
    setKept(false);
    const timer = setTimeout(() => {
      keep(token, form, answers).then(
        () => setKept(true),
        // It stays on the page, and is sent as a whole at the end.
        () => undefined,
      );
    }, KEEP_AFTER);
    return () => clearTimeout(timer);
  }, [typed, sent, token, form, answers]);

  const source = useMemo(() => sourceOf(token, opened.language), [token, opened.language]);
  const work = useCallback((given: QuestionnaireResponse, edited: readonly string[]) => calculate(token, given, edited), [token]);
  const { disabled, onEdited } = useCalculated(work, sent ? null : form, answers, setAnswers);

  const change = useCallback((next: (before: Answers) => Answers) => {
    setAnswers(next);
    setTyped((count) => count + 1);
  }, []);
  const submit = async () => {
    const missing = faultsOf(form.item ?? [], answers);
    setFaults(missing);
    if (missing.size) return tell(words.missing);
    setSending(true);
    setSaid(undefined);
    try {
      await send(token, form, answers);
      setSent(true);
    } catch (error) {
      if (error instanceof Refused && error.issues.length) {
        setFaults(new Map(error.issues.flatMap(({ linkId, message }) => (linkId && message ? [[linkId, message] as const] : []))));
        tell(words.missing);
      } else tell(explained(error, words));
    } finally {
      setSending(false);
    }
  };
  const tell = (text: string) => {
    setSaid(text);
    requestAnimationFrame(() => notice.current?.focus());
  };
  useEffect(() => {
    document.title = opened.title;
  }, [opened.title]);
  if (sent) {
    return (
      <section className="thanks" role="status">
        <h1>{words.thanks}</h1>
        <p>{words.done}</p>
      </section>
    );
  }
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h1>{opened.title}</h1>
      {opened.description && <p className="says">{opened.description}</p>}
      {opened.due && (
        <p className="says">
          {words.due} {new Date(opened.due).toLocaleDateString(document.documentElement.lang)}
        </p>
      )}
      {said && (
        <p className="notice" role="alert" tabIndex={-1} ref={notice}>
          {said}
        </p>
      )}
      <Form form={form} answers={answers} onAnswers={change} words={words} source={source} faults={faults} disabled={disabled} onEdited={onEdited} />
      <button type="submit" className="send" disabled={sending}>
        {sending ? words.sending : words.send}
      </button>
      <p className="kept" role="status">
        {kept ? words.kept : ""}
      </p>
    </form>
  );
}
