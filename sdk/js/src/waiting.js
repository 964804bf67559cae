/** Waiting until something has come to rest. */
import { sleep } from './transport.js';

/**
 * What `look` shows once `isOpen` is false for its status. Throws a TimeoutError after `timeout`
 * milliseconds; what is waited for goes on all the same.
 * @param {string} name
 * @param {(options: { signal?: AbortSignal }) => Promise<any>} look
 * @param {(status: string) => boolean} isOpen
 * @param {{ timeout?: number, signal?: AbortSignal }} [options]
 */
export async function settled(name, look, isOpen, { timeout = 300_000, signal } = {}) {
  const end = timeout > 0 ? performance.now() + timeout : Infinity;
  for (let pause = 50; ; pause = Math.min(pause * 1.5, 2_000)) {
    const shown = await look({ signal });
    if (!isOpen(shown.data.status)) return shown;
    if (performance.now() > end) {
      const told = `${name} is ${shown.data.status} after ${timeout} ms`;
      throw new DOMException(told, 'TimeoutError');
    }
    await sleep(pause, signal);
  }
}
