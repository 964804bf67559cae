/** Human tasks as the API gives them. */
import type { Questionnaire, QuestionnaireResponse } from "../../questionnaire/types";

export interface Sla {
  state: "ok" | "warning" | "breached";
  warnAt?: string | null;
  minutesLeft?: number | null;
}

export interface TaskLine {
  id: string;
  kind: string;
  status: string;
  version: number;
  priority: string;
  queue: string;
  assignee: string | null;
  decidedBy: string[];
  quorum: number;
  fourEyes: boolean;
  due: string | null;
  sla: Sla | null;
  patientId: string | null;
  workflowId: string;
  runId: string;
  path: string;
  createdAt: string;
  closedAt: string | null;
  cursor: string;
  title: string;
  description: string | null;
  snoozedUntil?: string | null;
}

export interface Suggestion {
  value?: unknown;
  confidence?: number;
  model?: string;
  evidence?: unknown;
  [name: string]: unknown;
}

export interface Task extends TaskLine {
  show: Record<string, unknown>;
  form: Questionnaire | null;
  suggestion: Suggestion | null;
  prefill: Record<string, unknown> | null;
  ai: boolean;
  comments: { by: string; at: string; text: string }[];
  votes: { by: string; approved: boolean; comment: string | null; at: string }[];
  draft: { data?: Record<string, unknown>; answers?: QuestionnaireResponse; comment?: string } | null;
  decision: { decision?: string; by?: string; comment?: string; at?: string; data?: Record<string, unknown> } | null;
  patient?: { name?: string; birthDate?: string; sex?: string; identifier?: string } | null;
}

export const isOpen = ({ status }: Pick<TaskLine, "status">): boolean => status === "requested" || status === "accepted";

/** Time left in words: "2 h 5 min left", "40 min late". */
export function leftOf(due: string | null, now: number): { words: string; late: boolean } | undefined {
  if (!due) return undefined;
  const minutes = Math.round((Date.parse(due) - now) / 60_000);
  const away = Math.abs(minutes);
  const said = away < 60 ? `${away} min` : away < 48 * 60 ? `${Math.floor(away / 60)} h${away % 60 ? ` ${away % 60} min` : ""}` : `${Math.floor(away / 1440)} days`;
  return { words: minutes < 0 ? `${said} late` : `${said} left`, late: minutes < 0 };
}

/** The decisions that a task takes. */
export function decisionsOf(task: Task): readonly { decision: string; word: string; danger?: boolean }[] {
  if (task.kind === "form") return [{ decision: "complete", word: "Submit" }];
  if (task.form && task.kind === "task") {
    return [
      { decision: "approve", word: "Submit" },
      { decision: "reject", word: "Reject", danger: true },
    ];
  }
  return [
    { decision: "approve", word: "Approve" },
    { decision: "reject", word: "Reject", danger: true },
  ];
}
