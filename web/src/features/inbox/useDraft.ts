import { useCallback, useEffect, useRef, useState } from "react";
import { api } from "../../api/client";
import { toResponse, type Answers } from "../../questionnaire/model";
import type { Questionnaire } from "../../questionnaire/types";

const AFTER = 800;

export type Kept = "kept" | "typing" | "failed";

/** Keep what was answered on the server while it is typed; how that went. */
export function useDraft(id: string, form: Questionnaire | null, answers: Answers, version: number): Kept {
  const [kept, setKept] = useState<Kept>("kept");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const last = useRef(0);
  const keep = useCallback(async () => {
    if (!form) return;
    const now = ++last.current;
    try {
      await api.put(`api/tasks/${id}/draft`, { answers: toResponse(form, answers, "in-progress") });
      if (now === last.current) setKept("kept");
    } catch {
      // It stays on the page; the word beside the form says that it is not kept yet.
      if (now === last.current) setKept("failed");
    }
  }, [id, form, answers]);
  useEffect(() => {
    if (version === 0) return;
    setKept("typing");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void keep(), AFTER);
    return () => clearTimeout(timer.current);
  }, [version, keep]);
  return kept;
}
