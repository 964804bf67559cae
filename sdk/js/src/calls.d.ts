// What every call of the client has.

/** What every call takes. */
export interface CallOptions {
  /** Ends the call; it throws the signal's reason. */
  signal?: AbortSignal;
  /** Milliseconds for the call, its repeats included; 0: no limit. */
  timeout?: number;
}

/** The bytes of a file. */
export type Content = Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer> | string;

/** One request, before it is sent. */
export interface Call {
  method: string;
  path: string;
  query?: Record<string, unknown>;
  headers?: Record<string, string | undefined>;
  json?: unknown;
  file?: Blob;
  content?: Content;
  answer?: 'json' | 'text' | 'bytes';
}

/** What fetch is called with. */
export interface Prepared {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: BodyInit | undefined;
}

/** What sends the calls. */
export interface Transport {
  readonly baseUrl: string;
  readonly retries: number;
  readonly fetch: typeof fetch;
  send(wanted: Call, options?: CallOptions & { accept?: string }): Promise<any>;
  request(wanted: Call, options?: { accept?: string }): Prepared;
}

/** The operations of a group stand on it. */
export declare class Operations {
  constructor(transport: Transport);
  readonly transport: Transport;
}
