import { proof, REFUSED } from "./session";

/** What the server refused, in its own words. `fix` says what to do. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly path: string | undefined;
  readonly fix: string | undefined;
  readonly details: unknown;
  readonly body: unknown;

  constructor(status: number, said: Refusal, body: unknown = null) {
    super(said.message ?? `The server answered ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.code = said.code ?? "unknown";
    this.path = said.path;
    this.fix = said.fix;
    this.details = said.details;
    this.body = body;
  }
}

/** No answer came: the connection is gone or the server is down. Nothing is known of the request. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer");
    this.name = "Unreachable";
  }
}

interface Refusal {
  message?: string | undefined;
  code?: string | undefined;
  path?: string | undefined;
  fix?: string | undefined;
  details?: unknown;
}

export type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

export interface Sending {
  query?: Query;
  /** JSON unless it is a string (sent with `type`), a Blob or FormData. */
  body?: unknown;
  type?: string;
  accept?: string;
  headers?: Record<string, string>;
  /** The revision that is changed: `If-Match`, with the quotes of an ETag added. */
  ifMatch?: string | number;
  signal?: AbortSignal;
  /** Milliseconds; 30 s unless told. */
  patience?: number;
  /** It is sent a second time, with a new proof. */
  again?: boolean;
}

const PATIENCE = 30_000;
const CONNECTION = "careloom:connection";
let lost = false;

export const isLost = (): boolean => lost;

export function onConnection(changed: () => void): () => void {
  addEventListener(CONNECTION, changed);
  return () => removeEventListener(CONNECTION, changed);
}

export function setLost(now: boolean): void {
  if (lost === now) return;
  lost = now;
  dispatchEvent(new Event(CONNECTION));
}

/** A page that nobody has touched for a minute asks in the background: that keeps no session alive. */
const AWAY = 60_000;
let touched = Date.now();

/** Called once: notice that somebody is at the page. */
export function noticePeople(): void {
  for (const kind of ["pointerdown", "keydown", "wheel"]) {
    addEventListener(kind, () => (touched = Date.now()), { capture: true, passive: true });
  }
}

/** An answer that is 2xx; raises ApiError or Unreachable. `path` is relative: "api/tasks". */
export async function send(method: string, path: string, sending: Sending = {}): Promise<Response> {
  const headers: Record<string, string> = {
    ...proof(method),
    Accept: sending.accept ?? "application/json",
    ...sending.headers,
  };
  if (Date.now() - touched > AWAY) headers["X-Background"] = "1";
  if (sending.ifMatch !== undefined) headers["If-Match"] = `"${sending.ifMatch}"`;
  const body = payload(sending, headers);
  const answer = await reach(path + search(sending.query), {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    signal: deadline(sending),
  }, sending.signal);
  if (answer.ok) return answer;
  const error = await refusal(answer);
  if (error.status === 401) dispatchEvent(new Event(REFUSED));
  if (error.code === "csrf_token" && !sending.again && (await renewProof())) return send(method, path, { ...sending, again: true });
  throw error;
}

let renewProof: () => Promise<boolean> = () => Promise.resolve(false);

/** How to come by a new proof when the server refuses the old one; true when there is one. */
export function onOldProof(renew: () => Promise<boolean>): void {
  renewProof = renew;
}

/** The body of an answer as JSON, without looking for the platform's envelope (FHIR, DICOMweb). */
export async function json<T>(method: string, path: string, sending: Sending = {}): Promise<T> {
  const answer = await send(method, path, sending);
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

async function data<T>(method: string, path: string, sending: Sending): Promise<T> {
  const body = await json<{ data: T } | undefined>(method, path, sending);
  return body === undefined ? (undefined as T) : body.data;
}

/** The platform's API; each answers the `data` of the envelope. */
export const api = {
  get: <T>(path: string, query?: Query, sending: Sending = {}) =>
    data<T>("GET", path, { ...sending, ...(query ? { query } : {}) }),
  post: <T>(path: string, body?: unknown, sending: Sending = {}) =>
    data<T>("POST", path, { ...sending, body }),
  put: <T>(path: string, body?: unknown, sending: Sending = {}) =>
    data<T>("PUT", path, { ...sending, body }),
  patch: <T>(path: string, body?: unknown, sending: Sending = {}) =>
    data<T>("PATCH", path, { ...sending, body }),
  delete: <T>(path: string, sending: Sending = {}) => data<T>("DELETE", path, sending),
};

/** The FHIR store; `fhir("GET", "Patient", {query: {name: "Rossi"}})`. */
export const fhir = <T>(method: string, path: string, sending: Sending = {}): Promise<T> =>
  json<T>(method, `fhir/${path}`, {
    accept: "application/fhir+json",
    type: "application/fhir+json",
    ...sending,
  });

function payload(sending: Sending, headers: Record<string, string>): BodyInit | undefined {
  const { body } = sending;
  if (body === undefined) return undefined;
  if (body instanceof FormData) return body;
  if (body instanceof Blob || typeof body === "string") {
    headers["Content-Type"] = sending.type ?? (body instanceof Blob && body.type ? body.type : "text/plain");
    return body;
  }
  headers["Content-Type"] = sending.type ?? "application/json";
  return JSON.stringify(body);
}

export function search(query: Query | undefined): string {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === null || value === undefined || value === "" || value === false) continue;
    if (typeof value === "object") value.forEach((one) => set.append(name, one));
    else set.append(name, String(value));
  }
  const text = set.toString();
  return text ? `?${text}` : "";
}

function deadline(sending: Sending): AbortSignal {
  const patience = AbortSignal.timeout(sending.patience ?? PATIENCE);
  return sending.signal ? AbortSignal.any([sending.signal, patience]) : patience;
}

async function reach(path: string, options: RequestInit, given?: AbortSignal): Promise<Response> {
  try {
    const answer = await fetch(path, { ...options, credentials: "same-origin", cache: "no-store" });
    setLost(false);
    return answer;
  } catch (error) {
    if (given?.aborted) throw error;
    setLost(true);
    throw new Unreachable();
  }
}

async function refusal(answer: Response): Promise<ApiError> {
  let body: unknown;
  try {
    body = await answer.json();
  } catch {
    return new ApiError(answer.status, {});
  }
  const said = body as {
    resourceType?: string;
    issue?: { code?: string; diagnostics?: string; details?: { text?: string } }[];
    message?: string;
    error?: Refusal;
  };
  if (said.resourceType === "OperationOutcome") {
    const issue = said.issue?.[0];
    const message = issue?.diagnostics ?? issue?.details?.text;
    return new ApiError(answer.status, { code: issue?.code, message }, body);
  }
  return new ApiError(answer.status, { ...said.error, message: said.message }, body);
}
