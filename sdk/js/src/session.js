/** Conversations with workers. */
import { SessionOperations } from './operations.js';
import { events } from './stream.js';
import { place } from './transport.js';
import { settled } from './waiting.js';

/** States in which a task goes on by itself. */
const OPEN = new Set(['queued', 'running']);

/** Sessions: of conversations, and of runs. */
export class Sessions extends SessionOperations {
  /**
   * What happens in a conversation: words of answers as they come, messages, tasks. It goes on
   * from `lastEventId`; it ends when `signal` is aborted or the loop is left.
   * @param {string} sessionId
   * @param {{ lastEventId?: string, signal?: AbortSignal, silence?: number, opened?: () => void }}
   *   [options]
   */
  stream(sessionId, options) {
    const path = `/api/sessions/${place('sessionId', sessionId)}/stream`;
    return events(this.transport, { method: 'GET', path }, options);
  }

  /**
   * The task of a message once it does not go on by itself: it is answered, has failed, or waits
   * for somebody. Throws a TimeoutError; the task goes on all the same.
   * @param {string} sessionId
   * @param {string} taskId
   * @param {{ timeout?: number, signal?: AbortSignal }} [options]
   * @returns {Promise<any>}
   */
  waitForTask(sessionId, taskId, options) {
    const look = (/** @type {any} */ given) => this.getSessionTask(sessionId, taskId, given);
    return settled(taskId, look, (status) => OPEN.has(status), options);
  }
}
