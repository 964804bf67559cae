/** Programs that do external work: poll, give signs of life, answer. */
import { EngineError, WorkFailed } from './errors.js';
import { WorkOperations } from './operations.js';
import { sleep } from './transport.js';

const POLL_S = 30;
const PAUSE = 2_000;
const LATER = new Set([429, 502, 503, 504]);

/** External work. */
export class WorkQueues extends WorkOperations {
  /**
   * Do the work of a queue until `signal` is aborted, so many pieces at a time. The handler gets
   * the work and a signal that says when it is no longer wanted, and returns the result. It throws
   * WorkFailed to say how it failed; anything else that is thrown fails the work for now.
   * @param {string} queue
   * @param {(work: any, options: { signal: AbortSignal }) => any} handler
   * @param {{ concurrency?: number, signal?: AbortSignal }} [options]
   */
  async serve(queue, handler, { concurrency = 1, signal } = {}) {
    const lanes = Array.from({ length: concurrency }, () => this.#serveOne(queue, handler, signal));
    await Promise.all(lanes);
  }

  /**
   * @param {string} queue
   * @param {(work: any, options: { signal: AbortSignal }) => any} handler
   * @param {AbortSignal} [signal]
   */
  async #serveOne(queue, handler, signal) {
    while (!signal?.aborted) {
      /** @type {any[]} */
      let found = [];
      try {
        found = (await this.pollWork(queue, { max: 1, wait: POLL_S }, { signal })).data;
      } catch (error) {
        if (signal?.aborted) return;
        if (!(error instanceof EngineError) || !LATER.has(error.status)) throw error;
        await sleep(PAUSE, signal).catch(() => undefined);
      }
      for (const work of found) await this.do(work, handler, signal);
    }
  }

  /**
   * Do one piece: signs of life while the handler works, then its answer.
   * @param {any} work
   * @param {(work: any, options: { signal: AbortSignal }) => any} handler
   * @param {AbortSignal} [signal]
   */
  async do(work, handler, signal) {
    const unwanted = new AbortController();
    const stop = () => unwanted.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    const lease = Date.parse(work.leaseUntil) - Date.now();
    const beats = setInterval(() => void this.#beat(work, unwanted), Math.max(lease / 3, 50));
    let answer;
    try {
      const result = await handler(work, { signal: unwanted.signal });
      answer = () => this.completeWork(work.id, { token: work.token, result });
    } catch (error) {
      answer = () => this.failWork(work.id, { token: work.token, ...failure(error) });
    } finally {
      clearInterval(beats);
      signal?.removeEventListener('abort', stop);
    }
    if (!unwanted.signal.aborted) await answered(answer);
  }

  /**
   * @param {any} work
   * @param {AbortController} unwanted
   */
  async #beat(work, unwanted) {
    const answer = await answered(() => this.beatWork(work.id, { token: work.token }));
    if (answer && !answer.data.wanted) unwanted.abort();
  }
}

/** @param {any} error */
function failure(error) {
  if (error instanceof WorkFailed) {
    return { code: error.code, message: error.message, retryable: error.retryable };
  }
  // What was thrown may carry patient data: its type is all that is told.
  const message = error?.constructor?.name ?? typeof error;
  return { code: 'program_failed', message, retryable: true };
}

/**
 * The answer, or nothing when the server refuses: then the lease is over, and another does it.
 * @param {() => Promise<any>} asked
 */
async function answered(asked) {
  try {
    return await asked();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return undefined;
  }
}
