// Calls to the API. The key lives in the tab's session storage, travels in the Authorization
// header only, and is never part of an address.

const STORED = "careloom.key";
const PATIENCE_MS = 30_000;

export const signals = new EventTarget();
let lost = false;

/** What the API refused, with its own words on what to do. */
export class ApiError extends Error {
  constructor(status, { code, message, fix, path, details } = {}) {
    super(message ?? `The server answered ${status}`);
    Object.assign(this, { status, code, fix, path, details });
  }
}

/** The server could not be reached. */
export class Unreachable extends Error {}

export const hasKey = () => Boolean(sessionStorage.getItem(STORED));
export const keepKey = (key) => sessionStorage.setItem(STORED, key);
export const dropKey = () => sessionStorage.removeItem(STORED);
export const isLost = () => lost;

/** Whether the API takes this key; raises ApiError or Unreachable when that cannot be said. */
export async function tryKey(key) {
  const answer = await reach("api/workflows/runs?limit=1", { headers: authorization(key) });
  if (answer.status === 401) return false;
  if (!answer.ok && answer.status !== 403) throw await refusal(answer);
  return true;
}

/** The `data` of an answer of the platform API. */
export async function get(path, query) {
  return (await json("GET", path + search(query))).data;
}

/** The thing at folder/id, or `{ missing: true, id }` when there is none. */
export async function getIfThere(folder, id) {
  try {
    return await get(`${folder}/${encodeURIComponent(id)}`);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { missing: true, id };
    throw error;
  }
}

export async function post(path, body) {
  return (await json("POST", path, body)).data;
}

/** A resource of the FHIR store. */
export const readFhir = (path) => json("GET", `fhir/${path}`, undefined, "application/fhir+json");

/** A picture, as an address that an image element can show. */
export async function picture(path) {
  const answer = await send("GET", path, undefined, "image/jpeg");
  return URL.createObjectURL(await answer.blob());
}

/** The bytes of a stored file, and the type that the server gives them. */
export async function bytes(path) {
  const answer = await send("GET", path, undefined, "*/*");
  return { type: answer.headers.get("content-type") ?? "", data: await answer.arrayBuffer() };
}

function search(query) {
  const set = Object.entries(query ?? {}).filter(([, value]) => value);
  return set.length ? `?${new URLSearchParams(set)}` : "";
}

async function json(method, path, body, accept = "application/json") {
  return (await send(method, path, body, accept)).json();
}

async function send(method, path, body, accept) {
  const headers = { ...authorization(sessionStorage.getItem(STORED)), Accept: accept };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const answer = await reach(path, { method, headers, body: payload });
  if (answer.ok) return answer;
  const error = await refusal(answer);
  if (error.status === 401) signals.dispatchEvent(new Event("refused"));
  throw error;
}

const authorization = (key) => ({ Authorization: `Bearer ${key}` });

async function reach(path, options) {
  try {
    const answer = await fetch(path, { ...options, credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    setLost(false);
    return answer;
  } catch {
    setLost(true);
    throw new Unreachable("The server does not answer");
  }
}

function setLost(now) {
  if (lost === now) return;
  lost = now;
  signals.dispatchEvent(new Event("connection"));
}

async function refusal(answer) {
  let body = {};
  try {
    body = await answer.json();
  } catch {
    return new ApiError(answer.status);
  }
  if (body.resourceType === "OperationOutcome") {
    const issue = body.issue?.[0] ?? {};
    const message = issue.diagnostics ?? issue.details?.text;
    return new ApiError(answer.status, { code: issue.code, message });
  }
  return new ApiError(answer.status, { message: body.message, ...body.error });
}
