import assert from 'node:assert/strict';
import { Client } from 'fhir-kit-client';
import { PATIENT, base, key, observation, run } from './checks.mjs';

const client = new Client({ baseUrl: base, bearerToken: key });
const Patient = { resourceType: 'Patient' };
const mine = { ...PATIENT, identifier: [{ system: 'urn:mrn', value: 'kit' }] };
let made;

async function refused(status, promise) {
  const error = await promise.then(() => assert.fail('it was answered'), (caught) => caught);
  assert.equal(error.response?.status ?? error.status, status);
}

await run({
  capabilities: async () => {
    const statement = await client.capabilityStatement();
    assert.equal(statement.fhirVersion, '4.0.1');
  },
  create: async () => {
    made = await client.create({ ...Patient, body: mine });
    assert.equal(made.meta.versionId, '1');
  },
  read: async () => {
    const read = await client.read({ ...Patient, id: made.id });
    assert.deepEqual(read, made);
  },
  update: async () => {
    const body = { ...made, active: true };
    made = await client.update({ ...Patient, id: made.id, body });
    assert.equal(made.meta.versionId, '2');
  },
  conditional_update: async () => {
    const { id, meta, ...body } = made;
    const searchParams = { identifier: 'urn:mrn|kit' };
    made = await client.update({ ...Patient, searchParams, body });
    assert.equal(made.meta.versionId, '3');
  },
  patch: async () => {
    const jsonPatch = [{ op: 'replace', path: '/name/0/family', value: 'Patched' }];
    made = await client.patch({ ...Patient, id: made.id, jsonPatch });
    assert.equal(made.name[0].family, 'Patched');
  },
  vread: async () => {
    const first = await client.vread({ ...Patient, id: made.id, version: '1' });
    assert.equal(first.name[0].family, 'Clientson');
  },
  history: async () => {
    const versions = await client.history({ ...Patient, id: made.id });
    assert.equal(versions.entry.length, 4);
    assert.ok((await client.history({ ...Patient })).entry.length >= 4);
    assert.ok((await client.history()).entry.length >= 4);
  },
  search: async () => {
    const found = await client.search({ ...Patient, searchParams: { identifier: 'urn:mrn|kit' } });
    assert.equal(found.total, 1);
    const posted = await client.search({
      ...Patient,
      searchParams: { identifier: 'urn:mrn|kit' },
      options: { postSearch: true },
    });
    assert.equal(posted.total, 1);
  },
  pages: async () => {
    for (let n = 0; n < 5; n += 1) {
      await client.create({ resourceType: 'Observation', body: observation(`Patient/${made.id}`) });
    }
    const searchParams = { patient: made.id, _count: 2 };
    let page = await client.search({ resourceType: 'Observation', searchParams });
    const seen = new Set();
    while (page) {
      page.entry.forEach((entry) => seen.add(entry.resource.id));
      page = await client.nextPage({ bundle: page });
    }
    assert.equal(seen.size, 5);
  },
  compartment_and_system: async () => {
    await client.create({ resourceType: 'Observation', body: observation('Patient/other') });
    const found = await client.search({
      resourceType: 'Observation',
      compartment: { resourceType: 'Patient', id: made.id },
    });
    assert.equal(found.entry.length, 5);
    const whole = await client.search({ searchParams: { _type: 'Patient', _id: made.id } });
    assert.equal(whole.entry.length, 1);
  },
  transaction: async () => {
    const fullUrl = 'urn:uuid:0d2f6a1c-0000-4000-8000-000000000001';
    const answer = await client.transaction({
      body: {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [
          { fullUrl, resource: mine, request: { method: 'POST', url: 'Patient' } },
          { resource: observation(fullUrl), request: { method: 'POST', url: 'Observation' } },
        ],
      },
    });
    assert.deepEqual(answer.entry.map((entry) => entry.response.status), ['201 Created', '201 Created']);
  },
  batch: async () => {
    const answer = await client.batch({
      body: {
        resourceType: 'Bundle',
        type: 'batch',
        entry: [
          { request: { method: 'GET', url: `Patient/${made.id}` } },
          { request: { method: 'GET', url: 'Patient/none' } },
        ],
      },
    });
    assert.deepEqual(answer.entry.map((entry) => entry.response.status.slice(0, 3)), ['200', '404']);
  },
  operation: async () => {
    const everything = await client.operation({ ...Patient, id: made.id, name: '$everything', method: 'GET' });
    assert.equal(everything.entry.length, 6);
    const outcome = await client.operation({ ...Patient, name: '$validate', input: mine });
    assert.equal(outcome.resourceType, 'OperationOutcome');
  },
  delete: async () => {
    await client.delete({ ...Patient, id: made.id });
    await refused(410, client.read({ ...Patient, id: made.id }));
    await refused(404, client.read({ ...Patient, id: 'none' }));
  },
});
