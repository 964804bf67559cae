/**
 * FHIR R4 against one store, with arguments as the documents have them: `{resource}` and
 * `{resourceType, body}` mean the same, and so do `{bundle}` and `{body}`.
 * https://hl7.org/fhir/R4/http.html
 */
import { place } from './transport.js';

/** The store that every tenant begins with; its address is /fhir. */
const FIRST = 'main';
const JSON_TYPE = 'application/fhir+json';

/** Interactions with one store; a refusal throws EngineError with the OperationOutcome. */
export class FhirStoreClient {
  #transport;
  #headers;

  /**
   * @param {import('./calls.js').Transport} transport
   * @param {string} [store]
   * @param {string} [apiKey] the store's own key, instead of the client's
   */
  constructor(transport, store = FIRST, apiKey = undefined) {
    this.#transport = transport;
    this.path = store === FIRST ? '/fhir' : `/fhir/stores/${place('the store', store)}`;
    this.#headers = apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` };
  }

  /** The base address of the store. */
  get baseUrl() {
    return this.#transport.baseUrl + this.path;
  }

  /** @param {any} given {resourceType, id} */
  read(given) {
    return this.#send('GET', resourcePath(given), given);
  }

  /** @param {any} given {resourceType, id, version} */
  vread(given) {
    const version = place('the version', given?.version);
    return this.#send('GET', `${resourcePath(given)}/_history/${version}`, given);
  }

  /** @param {any} given {resourceType, searchParams}; a list is a parameter given several times */
  search(given) {
    const query = given?.searchParams;
    return this.#send('GET', `/${typeOf(given)}`, given, { query });
  }

  /**
   * The page after a Bundle of search or history; undefined after the last.
   * @param {any} given {bundle}
   */
  async nextPage(given) {
    const links = (given?.bundle ?? given)?.link ?? [];
    const next = links.find((/** @type {any} */ link) => link.relation === 'next');
    if (next === undefined) return undefined;
    const url = new URL(next.url, this.baseUrl);
    const begin = url.pathname.indexOf(this.path);
    if (begin < 0) throw new TypeError(`${next.url} is not a page of ${this.baseUrl}`);
    const rest = url.pathname.slice(begin + this.path.length) + url.search;
    return this.#send('GET', rest, given);
  }

  /** @param {any} given {resource} or {resourceType, body}; ifNoneExist: a search that finds it */
  create(given) {
    const resource = resourceOf(given);
    const headers = { 'If-None-Exist': given.ifNoneExist };
    return this.#send('POST', `/${typeOf(resource)}`, given, { json: resource, headers });
  }

  /**
   * Without an id the server refuses it, and says that the id is missing.
   * @param {any} given {resource} or {resourceType, id, body}; version: only while it is the newest
   */
  update(given) {
    const resource = resourceOf(given);
    const id = given.id ?? resource.id;
    const headers = { 'If-Match': given.version && `W/"${given.version}"` };
    if (!id) return this.#send('PUT', `/${typeOf(resource)}`, given, { json: resource, headers });
    const json = { ...resource, id };
    return this.#send('PUT', resourcePath(json), given, { json, headers });
  }

  /**
   * JSON Patch, RFC 6902.
   * @param {any} given {resourceType, id, jsonPatch}; version: only while it is the newest
   */
  patch(given) {
    const headers = {
      'Content-Type': 'application/json-patch+json',
      'If-Match': given.version && `W/"${given.version}"`,
    };
    return this.#send('PATCH', resourcePath(given), given, { json: given.jsonPatch, headers });
  }

  /** @param {any} given {resourceType, id} */
  async delete(given) {
    await this.#send('DELETE', resourcePath(given), given);
  }

  /** @param {any} [given] {resourceType, id}, {resourceType}, or nothing: of the whole store */
  history(given = {}) {
    const type = given.resourceType === undefined ? '' : `/${typeOf(given)}`;
    const id = given.id === undefined ? '' : `/${place('the id', given.id)}`;
    return this.#send('GET', `${type}${id}/_history`, given, { query: given.searchParams });
  }

  /** @param {any} [given] */
  capabilityStatement(given = {}) {
    return this.#send('GET', '/metadata', given);
  }

  /** @param {any} given {bundle} or {body}: all of it, or none */
  transaction(given) {
    const bundle = given?.bundle ?? given?.body;
    if (bundle === undefined) throw new TypeError('give {bundle} or {body}');
    return this.#send('POST', '', given, { json: bundle });
  }

  /** @param {any} given {bundle} or {body}: each entry by itself */
  batch(given) {
    return this.transaction(given);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {any} given
   * @param {Partial<import('./calls.js').Call>} [wanted]
   */
  #send(method, path, given, wanted = {}) {
    const type = wanted.json === undefined ? {} : { 'Content-Type': JSON_TYPE };
    const headers = { Accept: JSON_TYPE, ...this.#headers, ...type, ...wanted.headers };
    const call = { ...wanted, method, path: this.path + path, headers };
    return this.#transport.send(call, { signal: given?.signal, timeout: given?.timeout });
  }
}

/** @param {any} given */
function typeOf(given) {
  if (typeof given?.resourceType !== 'string') throw new TypeError('the resourceType is missing');
  return place('the resourceType', given.resourceType);
}

/** @param {any} given */
function resourcePath(given) {
  return `/${typeOf(given)}/${place('the id', given.id)}`;
}

/** @param {any} given */
function resourceOf(given) {
  const resource = given?.resource ?? given?.body;
  if (typeof resource !== 'object' || resource === null) {
    throw new TypeError('give {resource}, or {resourceType, body}');
  }
  return given.resourceType ? { resourceType: given.resourceType, ...resource } : resource;
}
