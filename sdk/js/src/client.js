/** The client: one group of operations for each part of the platform. */
import { FhirStoreClient } from './fhir-store.js';
import * as operations from './operations.js';
import { Sessions } from './session.js';
import { events } from './stream.js';
import { Transport } from './transport.js';
import { settled } from './waiting.js';
import { WorkQueues } from './work.js';

/** States in which a run stays. */
const ENDED = new Set(['succeeded', 'failed', 'cancelled', 'rolled_back']);

/** Workflows and their runs. */
export class Workflows extends operations.WorkflowOperations {
  /**
   * The same as executeWorkflow.
   * @param {string} workflowId
   * @param {any} [input]
   * @param {any} [options]
   */
  execute(workflowId, input, options) {
    return this.executeWorkflow(workflowId, input ?? {}, options);
  }

  /**
   * The run once it has ended. Throws a TimeoutError; the run goes on all the same.
   * @param {string} runId
   * @param {{ timeout?: number, signal?: AbortSignal }} [options]
   * @returns {Promise<any>}
   */
  waitForRun(runId, options) {
    const look = (/** @type {any} */ given) => this.getRun(runId, given);
    return settled(runId, look, (status) => !ENDED.has(status), options);
  }
}

/** FHIR stores, and a FHIR client for the one that was initialized last. */
export class DataStores extends operations.DataStoreOperations {
  /** @type {FhirStoreClient | undefined} */
  #client;

  /**
   * Open a FHIR client for a store. Throws EngineError when there is no such store. With `apiKey`,
   * the key of the store itself, nothing is asked beforehand.
   * @param {string} serverId
   * @param {{ apiKey?: string }} [options]
   */
  async initializeFhirStoreClient(serverId, { apiKey } = {}) {
    if (apiKey === undefined) await this.getFhirStore(serverId);
    this.#client = new FhirStoreClient(this.transport, serverId, apiKey);
    return this.#client;
  }

  /** The FHIR client that was initialized. */
  getFhirStoreClient() {
    if (this.#client === undefined) {
      throw new Error('no FHIR client yet: call initializeFhirStoreClient first');
    }
    return this.#client;
  }
}

/** Everything of one installation, with one key. */
export class EngineClient extends operations.Groups {
  /** @type {import('./calls.js').Transport} */
  #transport;

  /**
   * `apiKey` and `baseUrl` default to CARELOOM_API_KEY and CARELOOM_URL, in a browser the address
   * to that of the page.
   * @param {object} [given]
   * @param {string} [given.apiKey]
   * @param {string} [given.baseUrl]
   * @param {number} [given.timeout] milliseconds for a call, its repeats included; 0: no limit
   * @param {number} [given.retries] repeats of what is harmless to repeat
   * @param {typeof globalThis.fetch} [given.fetch] one of your own, for a proxy or certificates
   */
  constructor({ apiKey, baseUrl, timeout, retries, fetch } = {}) {
    const key = apiKey ?? environment('CARELOOM_API_KEY');
    if (!key) throw new TypeError('no API key: give {apiKey}, or set CARELOOM_API_KEY');
    const address = baseUrl ?? environment('CARELOOM_URL') ?? page() ?? 'http://127.0.0.1:8000';
    const transport = new Transport({ baseUrl: address, apiKey: key, timeout, retries, fetch });
    super(transport);
    this.#transport = transport;
    this.workflow = new Workflows(transport);
    this.session = new Sessions(transport);
    this.work = new WorkQueues(transport);
    this.dataStore = new DataStores(transport);
    this.fhir = new FhirStoreClient(transport);
  }

  /** Where the server is. */
  get baseUrl() {
    return this.#transport.baseUrl;
  }

  /**
   * What happens, as it happens: an event for each change under these topics, from `lastEventId`
   * on. Ends when `signal` is aborted or the loop is left; a broken connection goes on by itself.
   * `opened` is called whenever the connection stands, the first time and again.
   * @param {string | string[]} topics
   * @param {{ lastEventId?: string, signal?: AbortSignal, silence?: number, opened?: () => void }}
   *   [options]
   */
  stream(topics, options) {
    const query = { topics: [topics].flat().join(',') };
    return events(this.#transport, { method: 'GET', path: '/api/stream', query }, options);
  }
}

/** @param {string} name */
function environment(name) {
  return /** @type {any} */ (globalThis).process?.env?.[name];
}

/** The address of the page that this runs in. */
function page() {
  const origin = globalThis.location?.origin;
  return origin && origin !== 'null' ? origin : undefined;
}
