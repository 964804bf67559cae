// The JavaScript client of Careloom.
import type { CallOptions } from './calls.js';
import type {
  DataStoreOperations,
  Groups,
  SessionOperations,
  WorkOperations,
  WorkflowOperations,
} from './operations.js';
import type * as types from './types.js';

export type { CallOptions, Content } from './calls.js';
export type * from './types.js';

export interface ClientOptions {
  /** Default: the environment's CARELOOM_API_KEY. */
  apiKey?: string;
  /** Default: CARELOOM_URL, in a browser the address of the page, else http://127.0.0.1:8000. */
  baseUrl?: string;
  /** Milliseconds for a call, its repeats included; 0: no limit. Default 60,000. */
  timeout?: number;
  /** Repeats of what is harmless to repeat. Default 3. */
  retries?: number;
  /** One of your own, for a proxy or certificates. */
  fetch?: typeof fetch;
}

export interface StreamOptions {
  /** The stream goes on after this event. */
  lastEventId?: string;
  /** Ends the stream, and the loop over it. */
  signal?: AbortSignal;
  /** Milliseconds without a word after which the connection is made anew. Default 60,000. */
  silence?: number;
  /** Called whenever the connection stands, the first time and again: read what you show now. */
  opened?: () => void;
}

export interface StreamEvent {
  id: string | undefined;
  event: string;
  data: types.Anything;
}

/** Everything of one installation, with one key. */
export declare class EngineClient extends Groups {
  constructor(options?: ClientOptions);
  /** Where the server is. */
  readonly baseUrl: string;
  workflow: Workflows;
  session: Sessions;
  work: WorkQueues;
  dataStore: DataStores;
  /** FHIR in the store that the key is for. */
  fhir: FhirStoreClient;
  /**
   * What happens, as it happens: an event for each change under these topics, from `lastEventId`
   * on. Ends when `signal` is aborted or the loop is left; a broken connection goes on by itself.
   */
  stream(topics: string | string[], options?: StreamOptions): AsyncGenerator<StreamEvent, void>;
}

/** Workflows and their runs. */
export declare class Workflows extends WorkflowOperations {
  /** The same as executeWorkflow. */
  execute(
    workflowId: string,
    input?: types.JsonObject,
    options?: CallOptions & { idempotencyKey?: string },
  ): Promise<types.Envelope<types.RunStarted>>;
  /** The run once it has ended. Throws a TimeoutError; the run goes on all the same. */
  waitForRun(runId: string, options?: CallOptions): Promise<types.Envelope<types.Run>>;
}

/** Sessions: of conversations, and of runs. */
export declare class Sessions extends SessionOperations {
  /**
   * What happens in a conversation: words of answers as they come, messages, tasks. It goes on
   * from `lastEventId`; it ends when `signal` is aborted or the loop is left.
   */
  stream(sessionId: string, options?: StreamOptions): AsyncGenerator<StreamEvent, void>;
  /**
   * The task of a message once it does not go on by itself: it is answered, has failed, or waits
   * for somebody. Throws a TimeoutError; the task goes on all the same.
   */
  waitForTask(
    sessionId: string,
    taskId: string,
    options?: CallOptions,
  ): Promise<types.Envelope<types.AiTask>>;
}

/** FHIR stores, and a FHIR client for the one that was initialized last. */
export declare class DataStores extends DataStoreOperations {
  /**
   * Open a FHIR client for a store. Throws EngineError when there is no such store. With `apiKey`,
   * the key of the store itself, nothing is asked beforehand.
   */
  initializeFhirStoreClient(
    serverId: string,
    options?: { apiKey?: string },
  ): Promise<FhirStoreClient>;
  /** The FHIR client that was initialized. */
  getFhirStoreClient(): FhirStoreClient;
}

export type WorkHandler = (
  work: types.Work,
  options: { signal: AbortSignal },
) => types.Anything | Promise<types.Anything>;

/** External work. */
export declare class WorkQueues extends WorkOperations {
  /**
   * Do the work of a queue until `signal` is aborted, so many pieces at a time. The handler gets
   * the work and a signal that says when it is no longer wanted, and returns the result. It throws
   * WorkFailed to say how it failed; anything else that is thrown fails the work for now.
   */
  serve(
    queue: string,
    handler: WorkHandler,
    options?: { concurrency?: number; signal?: AbortSignal },
  ): Promise<void>;
  /** Do one piece: signs of life while the handler works, then its answer. */
  do(work: types.Work, handler: WorkHandler, signal?: AbortSignal): Promise<void>;
}

/** A FHIR resource; give a type of your own, as of @types/fhir, where one is wanted. */
export interface Resource {
  resourceType: string;
  id?: string;
  meta?: { versionId?: string; lastUpdated?: string; [name: string]: types.Anything };
  [name: string]: types.Anything;
}

/** What a stored resource has. */
export interface Stored {
  id: string;
  meta: { versionId: string; lastUpdated: string; [name: string]: types.Anything };
}

export interface Bundle extends Resource {
  resourceType: 'Bundle';
  type: string;
  total?: number;
  link?: Array<{ relation: string; url: string }>;
  entry?: Array<{
    fullUrl?: string;
    resource?: types.Anything;
    request?: { method: string; url: string; [name: string]: types.Anything };
    response?: { status: string; [name: string]: types.Anything };
    [name: string]: types.Anything;
  }>;
}

interface Typed {
  resourceType: string;
}

type Place = CallOptions & { resourceType: string; id: string };
type Parameter = string | number | boolean | undefined;
type SearchParams = Record<string, Parameter | Parameter[]>;
type Given<R> = CallOptions & ({ resource: R } | { resourceType: string; body: R });
type GivenBundle = CallOptions & ({ bundle: Typed } | { body: Typed });

/** Interactions with one store; a refusal throws EngineError with the OperationOutcome. */
export declare class FhirStoreClient {
  private constructor();
  /** The base address of the store. */
  readonly baseUrl: string;
  readonly path: string;
  read<R = Resource & Stored>(given: Place): Promise<R>;
  vread<R = Resource & Stored>(given: Place & { version: string }): Promise<R>;
  /** A list is a parameter given several times. */
  search(
    given: CallOptions & { resourceType: string; searchParams?: SearchParams },
  ): Promise<Bundle>;
  /** The page after a Bundle of search or history; undefined after the last. */
  nextPage(given: CallOptions & { bundle: Bundle }): Promise<Bundle | undefined>;
  /** `ifNoneExist`: only when this search finds nothing. */
  create<R extends object>(given: Given<R> & { ifNoneExist?: string }): Promise<R & Stored>;
  /** `version`: only while it is the newest. */
  update<R extends object>(
    given: Given<R> & { id?: string; version?: string },
  ): Promise<R & Stored>;
  /** JSON Patch, RFC 6902; `version`: only while it is the newest. */
  patch<R = Resource & Stored>(
    given: Place & { jsonPatch: object[]; version?: string },
  ): Promise<R>;
  delete(given: Place): Promise<void>;
  /** Of a resource, of a type, or of the whole store. */
  history(
    given?: CallOptions & { resourceType?: string; id?: string; searchParams?: SearchParams },
  ): Promise<Bundle>;
  capabilityStatement(given?: CallOptions): Promise<Resource>;
  /** All of it, or none. */
  transaction(given: GivenBundle): Promise<Bundle>;
  /** Each entry by itself. */
  batch(given: GivenBundle): Promise<Bundle>;
}

/** The server refused a call. The text says what, where and what to do. */
export declare class EngineError extends Error {
  constructor(status: number, body: unknown, options?: { cause?: unknown });
  /** The HTTP status. */
  readonly status: number;
  /** Stable; part of the contract. */
  readonly code: string;
  readonly details: types.Anything;
  /** Where the fault is. */
  readonly path: string | undefined;
  /** What to do. */
  readonly fix: string | undefined;
  /** The envelope, an OperationOutcome, or the text of something between. */
  readonly body: types.Error | types.Anything;
  /** The OperationOutcome, when a FHIR interaction was refused. */
  readonly outcome: Resource | undefined;
}

/** No answer came, also after the repeats that are harmless; `code` is `unreachable` or `timeout`. */
export declare class Unreachable extends EngineError {
  constructor(message: string, more?: { code?: string; cause?: unknown });
}

/** Thrown by a handler of work: the work failed, for good unless `retryable`. */
export declare class WorkFailed extends Error {
  constructor(message: string, more?: { code?: string; retryable?: boolean });
  readonly code: string;
  readonly retryable: boolean;
}
