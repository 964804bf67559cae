/** The server verifies what is written, a moment after the last change; so do the names for completion. */
import { useEffect } from "react";
import { ApiError, Unreachable } from "../../api/client";
import { check, outline, type Finding } from "./server";
import { useBuilder, useBuilderStore } from "./state";

const PAUSE = 350;

export function useChecking(): void {
  const store = useBuilderStore();
  const text = useBuilder((state) => state.history.present.state.text);
  const broken = useBuilder((state) => state.problem !== null);
  const empty = useBuilder((state) => state.picture.workflow.steps.length === 0);
  useEffect(() => {
    if (broken) return;
    if (empty) return store.getState().set({ findings: [], checkedText: null });
    const stop = new AbortController();
    const timer = setTimeout(() => void verify(), PAUSE);
    const verify = async () => {
      try {
        const { findings, readable } = await findingsOf(text, stop.signal);
        if (stop.signal.aborted) return;
        store.getState().set({ findings, checkedText: text });
        const names = readable ? await namesOf(text, stop.signal) : null;
        if (names && !stop.signal.aborted) store.getState().set({ outline: names });
      } catch (error) {
        if (!stop.signal.aborted && !(error instanceof Unreachable)) throw error;
      }
    };
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [text, broken, empty, store]);
}

/** A definition that cannot be taken at all is refused as a whole; its faults stand in the refusal. */
async function findingsOf(text: string, signal: AbortSignal): Promise<{ findings: Finding[]; readable: boolean }> {
  try {
    return { findings: (await check(text, signal)).findings, readable: true };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status >= 500 || error.status === 401) throw error;
    const { findings } = (error.details ?? {}) as { findings?: Finding[] };
    const whole: Finding = { code: error.code, severity: "error", path: error.path ?? "", message: error.message, cause: "", fix: error.fix ?? "" };
    return { findings: findings && findings.length > 0 ? findings : [{ ...whole, ...placeOf(error) }], readable: false };
  }
}

function placeOf(error: ApiError): { line?: number; column?: number } {
  const { line, column } = (error.details ?? {}) as { line?: number; column?: number };
  return { ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
}

async function namesOf(text: string, signal: AbortSignal) {
  try {
    return await outline(text, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) return null;
    throw error;
  }
}
