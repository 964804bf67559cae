/** Server-sent events over fetch: with a key, and resumed where they broke off.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html */
import { EngineError, Unreachable } from './errors.js';
import { pauseBefore, refusal, sleep } from './transport.js';

const SILENCE = 60_000;
const STREAM = 'text/event-stream';
const LATER = new Set([429, 502, 503, 504]);

/** Puts the bytes of a stream together to events. */
export class EventParser {
  #decoder = new TextDecoder();
  #rest = '';
  /** @type {string[]} */
  #data = [];
  #kind = '';
  /** @type {string | undefined} the id of the last event that was whole */
  lastEventId;
  /** @type {number | undefined} milliseconds that the server wants between two connections */
  retry;
  /** @type {string | undefined} */
  #id;

  /** @param {string} [lastEventId] */
  constructor(lastEventId) {
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
  }

  /** A new connection: what was not whole is dropped. */
  begin() {
    this.#decoder = new TextDecoder();
    this.#rest = '';
    this.#data = [];
    this.#kind = '';
    this.#id = this.lastEventId;
  }

  /**
   * The events that are whole now.
   * @param {Uint8Array} bytes
   */
  *push(bytes) {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    // A CR at the end may be half of a CRLF.
    const end = this.#rest.endsWith('\r') ? this.#rest.length - 1 : this.#rest.length;
    const lines = this.#rest.slice(0, end).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? '') + this.#rest.slice(end);
    for (const line of lines) {
      if (line !== '') this.#field(line);
      else {
        this.lastEventId = this.#id;
        if (this.#data.length > 0) yield this.#event();
        this.#kind = '';
      }
    }
  }

  /** @param {string} line */
  #field(line) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.#data.push(value);
    else if (name === 'event') this.#kind = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
  }

  #event() {
    const text = this.#data.join('\n');
    const event = { id: this.lastEventId, event: this.#kind || 'message', data: parsed(text) };
    this.#data = [];
    return event;
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * The events of an address, until `signal` is aborted or the loop is left. A connection that
 * breaks, or says nothing for `silence` milliseconds, is opened again after the last id. Throws
 * EngineError when the server refuses, Unreachable when it could not be reached from the start.
 * @param {import('./calls.js').Transport} transport
 * @param {import('./calls.js').Call} wanted
 * @param {{ lastEventId?: string, signal?: AbortSignal, silence?: number, opened?: () => void }}
 *   [options]
 */
export async function* events(transport, wanted, options = {}) {
  const { signal, silence = SILENCE, opened } = options;
  const parser = new EventParser(options.lastEventId);
  let tries = transport.retries;
  for (let attempt = 0; !signal?.aborted; attempt += 1) {
    const connection = new Connection(silence, signal);
    try {
      const request = prepared(transport, wanted, parser.lastEventId);
      const response = await connect(transport, request, connection, tries <= 0);
      if (response?.status === 204) return;
      connection.told = response?.headers.get('Retry-After');
      if (response?.ok) {
        tries = Infinity;
        opened?.();
        for await (const bytes of chunks(response.body, connection)) {
          attempt = 0;
          yield* parser.push(bytes);
        }
      }
    } finally {
      connection.close();
    }
    parser.begin();
    tries -= 1;
    if (!(await waited(parser.retry, attempt, connection.told, signal))) return;
  }
}

/**
 * @param {import('./calls.js').Transport} transport
 * @param {import('./calls.js').Call} wanted
 * @param {string | undefined} lastEventId
 */
function prepared(transport, wanted, lastEventId) {
  const headers = { ...wanted.headers, 'Last-Event-ID': lastEventId };
  return transport.request({ ...wanted, headers }, { accept: STREAM });
}

/**
 * The stream, or what is to be tried again; nothing when no answer came. `last`: there is no other
 * try.
 * @param {import('./calls.js').Transport} transport
 * @param {import('./calls.js').Prepared} request
 * @param {Connection} connection
 * @param {boolean} last
 */
async function connect(transport, request, connection, last) {
  const init = { ...request, cache: /** @type {const} */ ('no-store'), signal: connection.signal };
  let response;
  try {
    response = await transport.fetch(request.url, init);
  } catch (error) {
    if (last && !connection.unwanted) {
      throw new Unreachable(`no answer from ${request.url}`, { cause: error });
    }
    return undefined;
  }
  if (!response.ok && (last || !LATER.has(response.status))) throw await refusal(response);
  const kind = response.headers.get('Content-Type') ?? '';
  if (response.status === 200 && !kind.startsWith(STREAM)) {
    await response.body?.cancel();
    throw new EngineError(200, { message: `${kind || 'nothing'} came back, not ${STREAM}` });
  }
  return response;
}

/**
 * What comes, until the connection ends or breaks: both are the same to who reads on.
 * @param {ReadableStream<Uint8Array> | null} body
 * @param {Connection} connection
 */
async function* chunks(body, connection) {
  const reader = body?.getReader();
  const ended = () => ({ done: true, value: undefined });
  try {
    while (reader) {
      const { done, value } = await reader.read().catch(ended);
      if (done || value === undefined) return;
      connection.heard();
      yield value;
    }
  } finally {
    // One that is broken already refuses to be cancelled.
    reader?.cancel().catch(() => undefined);
  }
}

/**
 * Wait before the next connection; false when nobody wants it any more.
 * @param {number | undefined} retry what the stream asked for
 * @param {number} attempt
 * @param {string | null | undefined} told Retry-After
 * @param {AbortSignal} [signal]
 */
async function waited(retry, attempt, told, signal) {
  const pause = pauseBefore(attempt, told);
  try {
    await sleep(retry === undefined ? pause : Math.max(pause, retry), signal);
    return true;
  } catch (error) {
    if (signal?.aborted) return false;
    throw error;
  }
}

/** One connection: closed by its user, or after a silence. */
class Connection {
  /** @type {string | null | undefined} Retry-After */
  told;
  #controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #silence;
  #given;

  /**
   * @param {number} silence
   * @param {AbortSignal} [given]
   */
  constructor(silence, given) {
    this.#silence = silence;
    this.#given = given;
    given?.addEventListener('abort', this.close, { once: true });
    this.heard();
  }

  get signal() {
    return this.#controller.signal;
  }

  /** Nobody reads it any more. */
  get unwanted() {
    return this.#given?.aborted ?? false;
  }

  heard() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), this.#silence);
  }

  close = () => {
    clearTimeout(this.#timer);
    this.#given?.removeEventListener('abort', this.close);
    this.#controller.abort();
  };
}
