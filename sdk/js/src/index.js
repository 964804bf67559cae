/** The JavaScript client of Careloom. */
export { EngineClient } from './client.js';
export { EngineError, Unreachable, WorkFailed } from './errors.js';
export { FhirStoreClient } from './fhir-store.js';
