import assert from 'node:assert/strict';
import { MedplumClient } from '@medplum/core';
import { PATIENT, base, key, observation, run } from './checks.mjs';

const address = new URL(base);
const client = new MedplumClient({
  baseUrl: `${address.origin}/`,
  fhirUrlPath: address.pathname.slice(1),
  cacheTime: 0,
  fetch,
});
client.setBasicAuth('key', key);
const mine = { ...PATIENT, identifier: [{ system: 'urn:mrn', value: 'medplum' }] };
let made;

async function refused(code, promise) {
  const error = await promise.then(() => assert.fail('it was answered'), (caught) => caught);
  assert.equal(error.outcome?.issue?.[0]?.code, code);
}

await run({
  create: async () => {
    made = await client.createResource(mine);
    assert.equal(made.meta.versionId, '1');
  },
  read: async () => {
    assert.deepEqual(await client.readResource('Patient', made.id), made);
    assert.equal((await client.readReference({ reference: `Patient/${made.id}` })).id, made.id);
  },
  update: async () => {
    made = await client.updateResource({ ...made, active: true });
    assert.equal(made.meta.versionId, '2');
  },
  patch: async () => {
    const patch = [{ op: 'test', path: '/active', value: true }, { op: 'remove', path: '/active' }];
    made = await client.patchResource('Patient', made.id, patch);
    assert.equal(made.active, undefined);
  },
  create_if_none_exists: async () => {
    const again = await client.createResourceIfNoneExist(mine, 'identifier=urn:mrn|medplum');
    assert.equal(again.id, made.id);
  },
  upsert: async () => {
    const { id, meta, ...rest } = made;
    const again = await client.upsertResource({ ...rest, gender: 'female' }, 'identifier=urn:mrn|medplum');
    assert.equal(again.id, made.id);
    assert.equal(again.gender, 'female');
  },
  versions: async () => {
    assert.equal((await client.readHistory('Patient', made.id)).entry.length, 4);
    assert.equal((await client.readVersion('Patient', made.id, '2')).active, true);
  },
  search: async () => {
    assert.equal((await client.searchOne('Patient', 'identifier=urn:mrn|medplum')).id, made.id);
    const found = await client.searchResources('Patient', { family: 'Clientson', _count: 5 });
    assert.ok(found.some((one) => one.id === made.id));
  },
  pages: async () => {
    for (let n = 0; n < 5; n += 1) {
      await client.createResource(observation(`Patient/${made.id}`));
    }
    const seen = new Set();
    const asked = { patient: made.id, _count: 2 };
    for await (const page of client.searchResourcePages('Observation', asked)) {
      page.forEach((one) => seen.add(one.id));
    }
    assert.equal(seen.size, 5);
  },
  everything: async () => {
    assert.equal((await client.readPatientEverything(made.id)).entry.length, 6);
  },
  validate: async () => {
    const outcome = await client.validateResource(mine);
    assert.equal(outcome.resourceType, 'OperationOutcome');
  },
  batch: async () => {
    const fullUrl = 'urn:uuid:0d2f6a1c-0000-4000-8000-000000000002';
    const answer = await client.executeBatch({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { fullUrl, resource: PATIENT, request: { method: 'POST', url: 'Patient' } },
        { resource: observation(fullUrl), request: { method: 'POST', url: 'Observation' } },
      ],
    });
    assert.deepEqual(answer.entry.map((entry) => entry.response.status), ['201 Created', '201 Created']);
  },
  delete: async () => {
    await client.deleteResource('Patient', made.id);
    await refused('deleted', client.readResource('Patient', made.id));
    await refused('not-found', client.readResource('Patient', 'none'));
  },
});
