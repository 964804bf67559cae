/** HTTP under the client: the key, the repeats, the deadline, the errors. */
import { EngineError, Unreachable } from './errors.js';

const BUSY = new Set([429, 502, 503, 504]);
/** Methods that may be repeated when no answer came. RFC 9110, 9.2.2 */
const HARMLESS = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);
const LONGEST_PAUSE = 60_000;

/** @typedef {import('./calls.js').Call} Call */

/** The operations of a group stand on it. */
export class Operations {
  /** @param {import('./calls.js').Transport} transport */
  constructor(transport) {
    this.transport = transport;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {any} [options]
   * @param {Partial<Call>} [wanted]
   * @returns {Promise<any>}
   */
  send(method, path, options, wanted) {
    return this.transport.send({ method, path, ...wanted }, options);
  }
}

/** A fresh Idempotency-Key. */
export function newKey() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * The options of these names, as the query of a call.
 * @param {any} options
 * @param {string[]} names
 */
export function pick(options, ...names) {
  return Object.fromEntries(names.map((name) => [name, options?.[name]]));
}

/**
 * One segment of a path.
 * @param {string} name
 * @param {any} value
 */
export function place(name, value) {
  const text = value === undefined || value === null ? '' : String(value);
  if (text === '' || text === '.' || text === '..') {
    throw new TypeError(`${name} is ${text ? `not an id: ${text}` : 'missing'}`);
  }
  return encodeURIComponent(text);
}

/** Sends calls, each until it is answered, refused or out of time. */
export class Transport {
  /**
   * @param {object} given
   * @param {string} given.baseUrl
   * @param {string} given.apiKey
   * @param {number} [given.timeout] milliseconds for a call, its repeats included; 0: no limit
   * @param {number} [given.retries]
   * @param {typeof globalThis.fetch} [given.fetch]
   */
  constructor({ baseUrl, apiKey, timeout = 60_000, retries = 3, fetch }) {
    this.baseUrl = baseUrl.replace(/\/+$/, '');
    this.apiKey = apiKey;
    this.timeout = timeout;
    this.retries = retries;
    this.fetch = fetch ?? globalThis.fetch.bind(globalThis);
  }

  /**
   * The answer's body. Throws EngineError for a refusal, Unreachable when there is no answer, and
   * the reason of `options.signal` when that is aborted.
   * @param {Call} wanted
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  async send(wanted, options = {}) {
    const { signal, timeout = this.timeout } = options ?? {};
    const clock = new Deadline(timeout, signal);
    try {
      return await this.#untilAnswered(wanted, options ?? {}, clock);
    } catch (error) {
      throw clock.explained(error);
    } finally {
      clock.stop();
    }
  }

  /**
   * @param {Call} wanted
   * @param {any} options
   * @param {Deadline} clock
   */
  async #untilAnswered(wanted, options, clock) {
    const request = this.request(wanted, options);
    const keyed = 'Idempotency-Key' in request.headers;
    const repeatable = HARMLESS.has(wanted.method) || keyed;
    for (let attempt = 0; ; attempt += 1) {
      const last = attempt >= this.retries;
      let told;
      try {
        const response = await this.fetch(request.url, { ...request, signal: clock.signal });
        told = response.headers.get('Retry-After');
        const busy = BUSY.has(response.status) && repeatable && !last;
        if (!busy || clock.endsWithin(pauseBefore(attempt, told))) {
          return await read(response, wanted.answer ?? 'json', options.accept);
        }
        await response.body?.cancel();
      } catch (error) {
        if (error instanceof EngineError || clock.signal.aborted) throw error;
        // Under If-Match a repeat of what was carried out is refused: its answer would mislead.
        const harmless = repeatable && !('If-Match' in request.headers);
        if (!harmless || last) {
          throw new Unreachable(`no answer from ${request.url}`, { cause: error });
        }
      }
      await sleep(pauseBefore(attempt, told), clock.signal);
    }
  }

  /**
   * What fetch is called with.
   * @param {Call} wanted
   * @param {any} [options]
   */
  request(wanted, options = {}) {
    const url = new URL(this.baseUrl + wanted.path);
    for (const [name, value] of Object.entries(wanted.query ?? {})) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined && one !== null) url.searchParams.append(name, String(one));
      }
    }
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${this.apiKey}` };
    if (options.accept) headers.Accept = options.accept;
    if (wanted.json !== undefined) headers['Content-Type'] = 'application/json';
    for (const [name, value] of Object.entries(wanted.headers ?? {})) {
      if (value !== undefined && value !== null) headers[name] = value;
    }
    return { url: url.href, method: wanted.method, headers, body: bodyOf(wanted) };
  }
}

/** The time a call has, and the signal that ends it early. */
class Deadline {
  /**
   * @param {number} timeout
   * @param {AbortSignal} [signal]
   */
  constructor(timeout, signal) {
    this.timeout = timeout;
    this.given = signal;
    this.end = timeout > 0 ? performance.now() + timeout : Infinity;
    this.over = false;
    const controller = new AbortController();
    this.signal = controller.signal;
    this.forward = () => controller.abort(signal?.reason);
    if (signal?.aborted) this.forward();
    signal?.addEventListener('abort', this.forward, { once: true });
    const end = () => {
      this.over = true;
      controller.abort();
    };
    this.timer = timeout > 0 ? setTimeout(end, timeout) : undefined;
  }

  /** @param {number} pause */
  endsWithin(pause) {
    return performance.now() + pause >= this.end;
  }

  /**
   * An abort, told as what caused it.
   * @param {any} error
   */
  explained(error) {
    if (this.given?.aborted) return this.given.reason;
    if (!this.over || error instanceof EngineError) return error;
    const told = `no answer within ${this.timeout} ms`;
    return new Unreachable(told, { code: 'timeout', cause: error });
  }

  stop() {
    clearTimeout(this.timer);
    this.given?.removeEventListener('abort', this.forward);
  }
}

/** @param {Call} wanted */
function bodyOf(wanted) {
  if (wanted.json !== undefined) return JSON.stringify(wanted.json);
  if (wanted.file === undefined) return wanted.content;
  const form = new FormData();
  form.append('file', wanted.file);
  return form;
}

/**
 * The body of an answer. Throws EngineError for a refusal.
 * @param {Response} response
 * @param {'json' | 'text' | 'bytes'} form
 * @param {string} [accept]
 */
async function read(response, form, accept) {
  const kind = response.headers.get('Content-Type') ?? '';
  const json = /^application\/(?:[\w.-]+\+)?json\b/i.test(kind);
  if (!response.ok) throw await refusal(response);
  if (form === 'bytes') return new Uint8Array(await response.arrayBuffer());
  const text = await response.text();
  if (text === '') return undefined;
  if (form === 'text' || (accept && !json)) return text;
  if (!json) throw new EngineError(response.status, { message: `${kind || 'no JSON'} came back` });
  return JSON.parse(text);
}

/**
 * What the server refused with.
 * @param {Response} response
 */
export async function refusal(response) {
  const text = await response.text();
  try {
    return new EngineError(response.status, JSON.parse(text));
  } catch {
    // A proxy between may answer with a page of its own.
    return new EngineError(response.status, text);
  }
}

/**
 * Milliseconds to wait: as Retry-After says, seconds or a date, else longer each time. RFC 9110,
 * 10.2.3
 * @param {number} attempt
 * @param {string | null | undefined} told
 */
export function pauseBefore(attempt, told) {
  if (told) {
    const seconds = /^\d+$/.test(told) ? Number(told) : (Date.parse(told) - Date.now()) / 1000;
    if (!Number.isNaN(seconds)) return Math.min(Math.max(seconds * 1000, 0), LONGEST_PAUSE);
  }
  return (0.5 + Math.random() / 2) * 100 * 2 ** Math.min(attempt, 7);
}

/**
 * @param {number} pause milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function sleep(pause, signal) {
  return new Promise((resolve, reject) => {
    const give = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', give);
      resolve();
    }, pause);
    if (signal?.aborted) give();
    else signal?.addEventListener('abort', give, { once: true });
  });
}
