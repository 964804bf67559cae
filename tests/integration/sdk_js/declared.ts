// What the package declares is what it has, and what is wrong is refused. Compiled, never run.
import {
  EngineClient,
  EngineError,
  FhirStoreClient,
  Unreachable,
  WorkFailed,
  type Run,
  type StreamEvent,
} from 'careloom-client';
import * as real from '../../../sdk/js/src/client.js';
import * as errors from '../../../sdk/js/src/errors.js';
import { FhirStoreClient as RealStore } from '../../../sdk/js/src/fhir-store.js';

// The sources' own types fit what is declared for them.
export const client: EngineClient = new real.EngineClient({ apiKey: 'k' });
export const workflow: EngineClient['workflow'] = new real.EngineClient().workflow;
export const session: EngineClient['session'] = new real.EngineClient().session;
export const stores: EngineClient['dataStore'] = new real.EngineClient().dataStore;
export const work: EngineClient['work'] = new real.EngineClient().work;
export const store: Pick<FhirStoreClient, keyof FhirStoreClient> = {} as RealStore;
export const refused: EngineError = new errors.EngineError(404, {});
export const silent: Unreachable = new errors.Unreachable('no answer', { code: 'timeout' });
export const failed: WorkFailed = new errors.WorkFailed('no', { retryable: true });
// And nothing that is there is left undeclared.
type Missing<Has, Declared> = Exclude<keyof Has, keyof Declared>;
const none = (): never => {
  throw new Error('never called');
};
export const ofClient: Missing<real.EngineClient, EngineClient> = none();
export const ofWorkflow: Missing<real.Workflows, EngineClient['workflow']> = none();
export const ofSession: Missing<real.EngineClient['session'], EngineClient['session']> = none();
export const ofStores: Missing<real.DataStores, EngineClient['dataStore']> = none();
export const ofStore: Missing<RealStore, FhirStoreClient> = none();
export const ofError: Missing<errors.EngineError, EngineError> = none();

interface Patient {
  resourceType: 'Patient';
  id?: string;
  gender?: 'male' | 'female' | 'other' | 'unknown';
}

export async function used(): Promise<void> {
  const started = await client.workflow.execute('x', { note: 1 }, { idempotencyKey: 'a' });
  const run: Run = (await client.workflow.waitForRun(started.data.runId, { timeout: 5 })).data;
  if (run.status === 'succeeded') console.log(run.output.anything);
  const typed: Patient = await client.fhir.read<Patient>({ resourceType: 'Patient', id: '1' });
  const stored = await client.fhir.create<Patient>({ resource: typed });
  console.log(stored.id, stored.meta.versionId, stored.gender);
  const literal = await client.fhir.create({ resource: { resourceType: 'Basic', code: {} } });
  console.log(literal.id, literal.code);
  await client.fhir.search({ resourceType: 'Patient', searchParams: { _count: 5, given: ['a'] } });
  const csv: string = await client.workflow.getRunAudit('x', { accept: 'text/csv' });
  const bytes: Uint8Array = await client.file.readFile('a', csv);
  await client.file.putFile('a', 'b', new Uint8Array(bytes));
  for await (const event of client.stream(['runs'], { lastEventId: '1' })) {
    const one: StreamEvent = event;
    console.log(one.id, one.event, one.data);
  }
  // @ts-expect-error the workflow is missing
  await client.workflow.execute();
  // @ts-expect-error there is no such option
  await client.workflow.listRuns({ colour: 'red' });
  // @ts-expect-error a run has no such state
  if (run.status === 'finished') console.log(run);
  // @ts-expect-error a run has no such member
  console.log(run.colour);
  // @ts-expect-error the id is missing
  await client.fhir.read({ resourceType: 'Patient' });
  // @ts-expect-error an update needs a resource
  await client.fhir.update({ id: '1' });
  // @ts-expect-error the mode is one of two
  await client.workflow.createWorkflow({}, { mode: 'lenient' });
}
