/** Refusals of the server, and its silence. */

/** The server refused a call. The text says what, where and what to do. */
export class EngineError extends Error {
  /**
   * @param {number} status the HTTP status
   * @param {any} body the envelope, an OperationOutcome, or the text of something between
   * @param {ErrorOptions} [options]
   */
  constructor(status, body, options) {
    const error = body?.error ?? {};
    const code = error.code ?? `http_${status}`;
    super(`${status} ${code}: ${said(body) ?? 'the server said no more'}`, options);
    this.name = 'EngineError';
    this.status = status;
    /** @type {string} */
    this.code = code;
    this.details = error.details;
    /** @type {string | undefined} */
    this.path = error.path;
    /** @type {string | undefined} */
    this.fix = error.fix;
    this.body = body;
  }

  /** The OperationOutcome, when a FHIR interaction was refused. */
  get outcome() {
    return this.body?.resourceType === 'OperationOutcome' ? this.body : undefined;
  }
}

/** No answer came, also after the repeats that are harmless. */
export class Unreachable extends EngineError {
  /**
   * @param {string} message
   * @param {{ code?: string, cause?: unknown }} [more]
   */
  constructor(message, { code = 'unreachable', cause } = {}) {
    super(503, { message, error: { code } }, { cause });
    this.name = 'Unreachable';
  }
}

/** Thrown by a handler of work: the work failed, for good unless `retryable`. */
export class WorkFailed extends Error {
  /**
   * @param {string} message
   * @param {{ code?: string, retryable?: boolean }} [more]
   */
  constructor(message, { code = 'work_failed', retryable = false } = {}) {
    super(message);
    this.name = 'WorkFailed';
    this.code = code;
    this.retryable = retryable;
  }
}

/** @param {any} body */
function said(body) {
  const issue = body?.issue?.[0];
  return body?.message ?? issue?.diagnostics ?? issue?.details?.text;
}
