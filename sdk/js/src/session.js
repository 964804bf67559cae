/** Conversations with workers. */
import { SessionOperations } from './operations.js';
import { events } from './stream.js';
import { place } from './transport.js';

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
}
