// The client against a server that runs: what the Python client's tests do, in JavaScript.
import assert from 'node:assert/strict';
import { EngineClient, EngineError, WorkFailed } from '../../../sdk/js/src/index.js';
import { run, thrown } from './checks.mjs';

const [baseUrl, apiKey] = process.argv.slice(2);
// As long as it takes: a machine may be busy with other things.
const client = new EngineClient({ apiKey, baseUrl, timeout: 0 });
const GREETING = {
  name: 'sdk-greeting',
  steps: [{ id: 'pause', type: 'wait', duration: '10ms' }],
  output: { said: '{{trigger.note}}' },
};
const PATIENT = { resourceType: 'Patient', name: [{ family: 'Quist' }], gender: 'female' };

await run({
  a_workflow_is_created_run_and_read: async () => {
    const workflow = await client.workflow.createWorkflow(GREETING);
    assert.deepEqual([workflow.success, workflow.data.id], [true, 'sdk-greeting']);
    const started = await client.workflow.execute(workflow.data.id, { note: 'hello' });
    const ended = await client.workflow.waitForRun(started.data.runId);
    assert.equal(ended.data.status, 'succeeded');
    assert.deepEqual(ended.data.output, { said: 'hello' });
    assert.equal(ended.data.steps[0].path, 'steps/pause');
    const session = await client.session.getSession(ended.data.sessionId);
    assert.equal(session.data.runId, started.data.runId);
    const listed = await client.workflow.listWorkflows();
    assert.deepEqual(listed.data.map((one) => one.id), ['sdk-greeting']);
  },
  the_same_key_starts_one_run: async () => {
    const once = { idempotencyKey: 'only-once' };
    const first = await client.workflow.execute('sdk-greeting', { note: 1 }, once);
    const again = await client.workflow.execute('sdk-greeting', { note: 1 }, once);
    assert.equal(first.data.runId, again.data.runId);
  },
  yaml_and_an_object_have_one_hash: async () => {
    const yaml = [
      'workflow:',
      '  name: sdk-greeting',
      '  steps:',
      '    - {id: pause, type: wait, duration: 10ms}',
      "  output: {said: '{{trigger.note}}'}",
    ].join('\n');
    const [text, object] = await Promise.all([
      client.workflow.validateWorkflow(yaml),
      client.workflow.validateWorkflow(GREETING),
    ]);
    assert.equal(text.data.hash, object.data.hash);
  },
  a_run_that_does_not_end_in_time_goes_on: async () => {
    const slow = { name: 'slow', steps: [{ id: 'pause', type: 'wait', duration: '1h' }] };
    await client.workflow.createWorkflow(slow);
    const { data } = await client.workflow.execute('slow');
    const error = await thrown(client.workflow.waitForRun(data.runId, { timeout: 1 }));
    assert.equal(error.name, 'TimeoutError');
    await client.workflow.cancelRun(data.runId);
    assert.equal((await client.workflow.waitForRun(data.runId)).data.status, 'cancelled');
  },
  what_happens_is_heard_of: async () => {
    const heard = [];
    let started;
    const opened = () => (started ??= client.workflow.execute('sdk-greeting', { note: 'live' }));
    for await (const { id, event, data } of client.stream(['runs', 'steps'], { opened })) {
      heard.push({ id, event, of: data.runId === (await started).data.runId });
      if (data.change === 'succeeded') break;
    }
    assert.ok(heard.some(({ event }) => event === 'step'));
    const last = heard.at(-1);
    assert.deepEqual([last.event, last.of], ['run', true]);
    const options = { lastEventId: heard[0].id };
    assert.match(options.lastEventId, /^\d+$/);
    for await (const { event } of client.stream(['runs', 'steps'], options)) {
      assert.notEqual(event, 'resync');
      break;
    }
    const refused = await thrown(client.stream('everything').next());
    assert.equal(refused.status, 400);
  },
  a_refusal_says_code_and_what_to_do: async () => {
    const missing = await thrown(client.workflow.getWorkflow('nothing-here'));
    assert.ok(missing instanceof EngineError);
    assert.deepEqual([missing.status, missing.code], [404, 'workflow_not_found']);
    const wrong = { name: 'x', steps: [{ id: 'a', type: 'b' }] };
    const refused = await thrown(client.workflow.createWorkflow(wrong));
    assert.equal(refused.status, 422);
    assert.ok(refused.details.findings[0].fix);
  },
  a_trail_comes_in_other_forms: async () => {
    const [run] = (await client.workflow.listRuns({ workflow: 'sdk-greeting', limit: 1 })).data;
    assert.ok((await client.workflow.getRunAudit(run.runId)).data.lines.length > 0);
    const csv = await client.workflow.getRunAudit(run.runId, { accept: 'text/csv' });
    assert.match(csv, /^[\w,]+\r?\n/);
    const options = { accept: 'application/fhir+json' };
    const bundle = await client.workflow.getRunAudit(run.runId, options);
    assert.equal(bundle.resourceType, 'Bundle');
  },
  fhir_is_read_and_written: async () => {
    const made = await client.fhir.create({ resource: PATIENT });
    const place = { resourceType: 'Patient', id: made.id };
    assert.deepEqual(await client.fhir.read(place), made);
    const changed = await client.fhir.update({ resource: { ...made, active: true }, version: '1' });
    assert.equal(changed.meta.versionId, '2');
    const stale = await thrown(client.fhir.update({ resource: made, version: '1' }));
    assert.deepEqual([stale.status, stale.outcome.resourceType], [412, 'OperationOutcome']);
    const jsonPatch = [{ op: 'replace', path: '/gender', value: 'other' }];
    assert.equal((await client.fhir.patch({ ...place, jsonPatch })).gender, 'other');
    assert.deepEqual(await client.fhir.vread({ ...place, version: '1' }), made);
    const versions = await client.fhir.history({ ...place, searchParams: { _count: 2 } });
    assert.equal(versions.entry.length, 2);
    assert.equal((await client.fhir.nextPage({ bundle: versions })).entry.length, 1);
    assert.equal(await client.fhir.delete(place), undefined);
    assert.equal((await thrown(client.fhir.read(place))).status, 410);
  },
  both_forms_of_the_arguments_mean_the_same: async () => {
    const { resourceType, ...body } = PATIENT;
    const made = await client.fhir.create({ resourceType, body });
    const again = await client.fhir.update({ resourceType, id: made.id, body: PATIENT });
    assert.deepEqual([again.id, again.meta.versionId], [made.id, '2']);
    const request = { method: 'POST', url: 'Patient' };
    const entry = [{ resource: PATIENT, request }];
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
    for (const given of [{ bundle }, { body: bundle }]) {
      const done = await client.fhir.transaction(given);
      assert.equal(done.entry[0].response.status, '201 Created');
    }
    const batch = { ...bundle, type: 'batch' };
    assert.equal((await client.fhir.batch({ bundle: batch })).entry.length, 1);
    assert.throws(() => client.fhir.create({}), TypeError);
    assert.throws(() => client.fhir.transaction({}), TypeError);
    assert.throws(() => client.fhir.read({ resourceType: 'Patient' }), /id is missing/);
  },
  a_search_is_paged: async () => {
    const searchParams = { family: 'Quist', _count: 2, gender: ['female', 'female'] };
    const seen = new Set();
    let page = await client.fhir.search({ resourceType: 'Patient', searchParams });
    for (; page; page = await client.fhir.nextPage({ bundle: page })) {
      page.entry.forEach((entry) => seen.add(entry.resource.id));
    }
    assert.equal(seen.size, 4);
    const elsewhere = { link: [{ relation: 'next', url: 'https://elsewhere.example/Patient' }] };
    await thrown(client.fhir.nextPage({ bundle: elsewhere }));
  },
  a_store_has_its_life_and_its_key: async () => {
    const { data } = await client.dataStore.createFhirStore({ name: 'of-javascript' });
    assert.throws(() => client.dataStore.getFhirStoreClient(), /initializeFhirStoreClient/);
    const absent = await thrown(client.dataStore.initializeFhirStoreClient('fhir-server-none'));
    assert.equal(absent.code, 'fhir_server_not_found');
    await client.dataStore.initializeFhirStoreClient(data.id);
    const made = await client.dataStore.getFhirStoreClient().create({ resource: PATIENT });
    const own = new EngineClient({ apiKey: data.apiKey, baseUrl });
    const { apiKey: key } = data;
    const keyed = await own.dataStore.initializeFhirStoreClient(data.id, { apiKey: key });
    assert.equal((await keyed.read({ resourceType: 'Patient', id: made.id })).id, made.id);
    const renewed = await client.dataStore.renewFhirStoreKey(data.id);
    assert.notEqual(renewed.data.apiKey, key);
    const named = await client.dataStore.updateFhirStore(data.id, { name: 'other' });
    assert.equal(named.data.name, 'other');
    assert.equal((await thrown(client.dataStore.deleteFhirStore(data.id))).status, 409);
    await client.dataStore.deleteFhirStore(data.id, { confirm: data.id });
    const left = (await client.dataStore.listFhirStores()).data.map((one) => one.id);
    assert.deepEqual(left, ['main']);
  },
  a_conversation_is_led_and_heard: async () => {
    const given = { name: 'js', defaultModelName: 'openai/gpt-4', instructions: 'Help.' };
    const worker = await client.worker.createWorker(given);
    const session = await client.session.createSession({ workerId: worker.data.id });
    const id = session.data.id;
    const said = { content: 'Are you there?', role: 'user' };
    const heard = [];
    let sent;
    const opened = () => (sent ??= client.session.sendMessage(id, said));
    for await (const { event, data } of client.session.stream(id, { opened })) {
      heard.push(event);
      if (event !== 'done') continue;
      assert.deepEqual([data.status, data.answer.content], ['completed', 'ready']);
      assert.equal(data.id, (await sent).data.taskId);
      break;
    }
    assert.ok(heard.includes('message'), heard);
    const again = await client.session.sendMessage(id, said, { wait: 1 });
    const task = await client.session.waitForTask(id, again.data.taskId);
    assert.deepEqual([task.data.status, task.data.answer.content], ['completed', 'ready']);
    const kept = await client.session.listSessionMessages(id);
    assert.deepEqual(
      kept.data.map((one) => one.role),
      ['user', 'assistant', 'user', 'assistant'],
    );
    const other = { ...given, name: 'other', defaultModelName: 'nobody/nothing' };
    const unknown = await thrown(client.worker.createWorker(other));
    assert.match(`${unknown.message} ${JSON.stringify(unknown.body)}`, /openai\/gpt-4/);
  },
  a_file_comes_back_byte_for_byte: async () => {
    const bytes = new TextEncoder().encode('Dear Colleague, ü\n');
    const kept = await client.file.putFile('letters', 'one.txt', bytes);
    assert.equal(kept.data.uri, 'file://letters/one.txt');
    assert.deepEqual(await client.file.readFile('letters', 'one.txt'), bytes);
    const file = new File([bytes], 'two.txt', { type: 'text/plain' });
    const { data } = await client.file.uploadFile(file);
    const [, bucket, name] = data.uri.match(/^file:\/\/(\w+)\/(.+)$/);
    assert.deepEqual(await client.file.readFile(bucket, name), bytes);
  },
  a_text_comes_as_text: async () => {
    assert.match(await client.operation.metrics(), /^# HELP/m);
    assert.equal((await client.operation.live()).status, 'live');
  },
  a_program_serves_a_queue: async () => {
    const step = { id: 'do', type: 'external', queue: 'js', input: { n: '{{item}}' } };
    await client.workflow.createWorkflow({
      id: 'js-work',
      steps: [
        {
          id: 'each',
          type: 'foreach',
          items: [1, 2, 3, 4],
          onItemError: 'continue',
          steps: [step],
          collect: '{{steps.do.output.result}}',
        },
      ],
      output: { doubled: '{{steps.each.output.results}}', errors: '{{steps.each.output.errors}}' },
    });
    const { data } = await client.workflow.execute('js-work');
    const stop = new AbortController();
    let failed = false;
    const handler = async (work, { signal }) => {
      assert.equal(signal.aborted, false);
      if (work.input.n === 2) throw new WorkFailed('two is not done', { code: 'no_twos' });
      if (work.input.n === 3 && !failed) {
        failed = true;
        throw new RangeError('for now');
      }
      return work.input.n * 2;
    };
    const options = { concurrency: 2, signal: stop.signal };
    const serving = client.work.serve('js', handler, options);
    const ended = await client.workflow.waitForRun(data.runId);
    stop.abort();
    await serving;
    assert.deepEqual(ended.data.output.doubled, [2, null, 6, 8]);
    assert.deepEqual(ended.data.output.errors.map((error) => error.code), ['no_twos']);
    assert.ok(failed);
  },
});
