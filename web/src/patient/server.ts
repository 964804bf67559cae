/** The one form behind a link. No key, no cookie: the link is all there is. */
import type { Answers } from "../questionnaire/model";
import { toResponse } from "../questionnaire/model";
import type { Questionnaire, QuestionnaireResponse } from "../questionnaire/types";
import type { Source } from "../questionnaire/source";
import type { Worked } from "../questionnaire/useCalculated";

export interface OpenForm {
  title: string;
  description: string | null;
  form: Questionnaire;
  prefill: Record<string, unknown> | null;
  due: string | null;
  language?: string;
  languages?: string[];
  draft?: { answers?: QuestionnaireResponse; data?: Record<string, unknown> } | null;
}

export interface Issue {
  linkId?: string;
  message?: string;
}

export class Refused extends Error {
  readonly status: number;
  readonly issues: readonly Issue[];

  constructor(status: number, message: string, issues: readonly Issue[]) {
    super(message);
    this.status = status;
    this.issues = issues;
  }
}

/** No answer came. */
export class Offline extends Error {}

interface Envelope {
  data?: unknown;
  message?: string;
  error?: { details?: { issues?: Issue[] } };
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      credentials: "omit",
      cache: "no-store",
      referrerPolicy: "no-referrer",
      headers: body === undefined || body instanceof File ? {} : { "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: body instanceof File ? body : JSON.stringify(body) }),
    });
  } catch {
    throw new Offline();
  }
  const said = (await answer.json().catch(() => ({}))) as Envelope;
  if (!answer.ok) throw new Refused(answer.status, said.message ?? "", said.error?.details?.issues ?? []);
  return said.data as T;
}

const address = (token: string) => `api/forms/${encodeURIComponent(token)}`;

export const read = (token: string, language: string | undefined) =>
  ask<OpenForm>("GET", `${address(token)}${language ? `?lang=${encodeURIComponent(language)}` : ""}`);

export const send = (token: string, form: Questionnaire, answers: Answers) =>
  ask<{ status: string }>("POST", address(token), { answers: toResponse(form, answers) });

/** Keep what was answered so far, so that it can be finished on another device. */
export const keep = (token: string, form: Questionnaire, answers: Answers) =>
  ask<unknown>("PUT", `${address(token)}/draft`, { answers: toResponse(form, answers, "in-progress") });

export const calculate = (token: string, answers: QuestionnaireResponse, edited: readonly string[]) =>
  ask<Worked>("POST", `${address(token)}/calculate`, { answers, edited });

/** Options of large value sets, and files, of this form. */
export const sourceOf = (token: string, language: string | undefined): Source => ({
  find: (valueSet, words) => {
    const query = new URLSearchParams({ valueSet, find: words, ...(language ? { lang: language } : {}) });
    return ask("GET", `${address(token)}/options?${query.toString()}`);
  },
  keep: (linkId, file) => {
    const query = new URLSearchParams({ question: linkId, name: file.name });
    return ask("POST", `${address(token)}/attachments?${query.toString()}`, file);
  },
});
