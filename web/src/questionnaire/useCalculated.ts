import { useEffect, useMemo, useRef, useState } from "react";
import { api } from "../api/client";
import { calculates, toResponse, withValues, type Answers } from "./model";
import type { Questionnaire } from "./types";

interface Worked {
  values?: Record<string, unknown>;
  /** By linkId, what expressions say of being asked. */
  enabled?: Record<string, boolean>;
}

const AFTER = 250;

/** Have the server work out calculated answers while the form is filled. What is typed meanwhile is
 * never overwritten: only calculated questions change. */
export function useCalculated(
  path: string,
  form: Questionnaire | null,
  answers: Answers,
  onAnswers: (next: (before: Answers) => Answers) => void,
): { disabled: ReadonlySet<string> } {
  const [enabled, setEnabled] = useState<Record<string, boolean>>({});
  const works = useMemo(() => form !== null && calculates(form), [form]);
  const last = useRef("");
  useEffect(() => {
    if (!form || !works) return;
    const response = toResponse(form, answers, "in-progress");
    const asked = JSON.stringify(response);
    if (asked === last.current) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      api.post<Worked>(path, { answers: response }, { signal: stop.signal }).then(
        ({ values = {}, enabled: now = {} }) => {
          setEnabled(now);
          onAnswers((before) => {
            const next = withValues(form.item ?? [], before, values);
            last.current = JSON.stringify(toResponse(form, next, "in-progress"));
            return next;
          });
        },
        // Without an answer the fields stay as they are; the server calculates again when it is sent.
        () => undefined,
      );
    }, AFTER);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, form, works, answers, onAnswers]);
  return { disabled: useMemo(() => new Set(Object.keys(enabled).filter((linkId) => !enabled[linkId])), [enabled]) };
}
