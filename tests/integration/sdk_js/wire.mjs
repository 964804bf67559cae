// What the client does on the wire: a server on loopback answers as each check says.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { EngineClient, EngineError, Unreachable } from '../../../sdk/js/src/index.js';
import { EventParser } from '../../../sdk/js/src/stream.js';
import { pauseBefore } from '../../../sdk/js/src/transport.js';
import { run, thrown } from './checks.mjs';

const received = [];
let answers = [];
let otherwise;
const server = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  received.push({ method: request.method, url: request.url, headers: request.headers, body });
  const answer = answers.shift() ?? otherwise;
  answer(response, request);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const baseUrl = `http://127.0.0.1:${server.address().port}`;

function answer(status, body, headers = {}) {
  return (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}
const nothing = answer(200, { success: true, data: {} });
const busy = (status = 503) => answer(status, { message: 'busy' }, { 'Retry-After': '0' });
const broken = (response) => response.destroy();
const silent = () => undefined;

function events(...chunks) {
  return (response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    chunks.forEach((chunk) => response.write(chunk));
    response.end();
  };
}

function client(given = {}, ...wanted) {
  received.length = 0;
  otherwise = nothing;
  answers = wanted;
  return new EngineClient({ apiKey: 'k', baseUrl, ...given });
}

async function some(stream, count) {
  const seen = [];
  for await (const event of stream) {
    seen.push(event);
    if (seen.length === count) break;
  }
  return seen;
}

delete process.env.CARELOOM_URL;
delete process.env.CARELOOM_API_KEY;

await run({
  the_key_and_the_query_are_sent: async () => {
    const query = { workflow: 'a b', limit: 5, status: undefined };
    await client().workflow.listRuns(query);
    assert.equal(received[0].url, '/api/workflows/runs?workflow=a+b&limit=5');
    assert.equal(received[0].headers.authorization, 'Bearer k');
  },
  a_start_that_met_a_busy_server_is_repeated_with_the_same_key: async () => {
    await client({}, busy(), busy(429)).workflow.execute('any', { note: 1 });
    assert.equal(received.length, 3);
    assert.equal(new Set(received.map((one) => one.headers['idempotency-key'])).size, 1);
    assert.match(received[0].headers['idempotency-key'], /^[0-9a-f]{32}$/);
    assert.deepEqual(new Set(received.map((one) => one.body)), new Set(['{"note":1}']));
  },
  a_key_of_ones_own_is_sent: async () => {
    await client().workflow.execute('any', {}, { idempotencyKey: 'mine' });
    assert.equal(received[0].headers['idempotency-key'], 'mine');
  },
  a_start_whose_answer_was_lost_is_repeated: async () => {
    await client({}, broken).workflow.execute('any', {});
    assert.equal(received.length, 2);
  },
  what_is_not_harmless_to_repeat_is_asked_once: async () => {
    for (const first of [busy(), broken]) {
      const error = await thrown(client({}, first).workflow.createWorkflow({ steps: [] }));
      assert.ok(error instanceof EngineError);
      assert.equal(received.length, 1);
    }
  },
  an_update_under_a_condition_is_not_repeated_when_its_answer_was_lost: async () => {
    const resource = { resourceType: 'Basic', id: 'x' };
    const error = await thrown(client({}, broken).fhir.update({ resource, version: '3' }));
    assert.ok(error instanceof Unreachable);
    assert.equal(received[0].headers['if-match'], 'W/"3"');
    await client({}, busy()).fhir.update({ resource, version: '3' });
    assert.equal(received.length, 2);
  },
  the_repeats_end: async () => {
    const busies = [busy(), busy(), busy(), busy()];
    const error = await thrown(client({}, ...busies).workflow.listWorkflows());
    assert.deepEqual([error.status, error.code, received.length], [503, 'http_503', 4]);
    const lost = await thrown(client({ retries: 1 }, broken, broken).workflow.listWorkflows());
    assert.deepEqual([lost.code, received.length], ['unreachable', 2]);
  },
  a_pause_is_as_long_as_the_server_says: () => {
    assert.equal(pauseBefore(1, '2'), 2000);
    assert.equal(pauseBefore(1, '7200'), 60_000);
    const soon = new Date(Date.now() + 30_000).toUTCString();
    assert.ok(Math.abs(pauseBefore(1, soon) - 30_000) < 2_000);
    assert.equal(pauseBefore(1, new Date(0).toUTCString()), 0);
    assert.ok(pauseBefore(0, null) <= 100 && pauseBefore(5, null) > pauseBefore(0, null));
  },
  a_pause_longer_than_the_time_there_is_is_not_waited: async () => {
    const later = answer(429, { message: 'later', error: { code: 'rate' } }, { 'Retry-After': '50' });
    const error = await thrown(client({ timeout: 20_000 }, later).workflow.listWorkflows());
    assert.deepEqual([error.status, error.code, received.length], [429, 'rate', 1]);
  },
  a_refusal_has_the_parts_of_the_envelope: async () => {
    const body = {
      success: false,
      message: 'No such thing',
      data: null,
      error: { code: 'not_there', details: { id: 7 }, path: '/id', fix: 'look it up' },
    };
    const error = await thrown(client({}, answer(404, body)).workflow.getWorkflow('x'));
    assert.ok(error instanceof EngineError && error instanceof Error);
    assert.equal(error.message, '404 not_there: No such thing');
    assert.deepEqual(
      [error.status, error.details, error.path, error.fix, error.outcome],
      [404, { id: 7 }, '/id', 'look it up', undefined],
    );
    assert.deepEqual(error.body, body);
  },
  a_refused_interaction_has_the_outcome: async () => {
    const outcome = { resourceType: 'OperationOutcome', issue: [{ diagnostics: 'gone' }] };
    const place = { resourceType: 'Patient', id: 'x' };
    const error = await thrown(client({}, answer(410, outcome)).fhir.read(place));
    assert.equal(error.message, '410 http_410: gone');
    assert.deepEqual(error.outcome, outcome);
  },
  the_page_of_a_proxy_is_a_refusal_too: async () => {
    const page = answer(403, '<html>Forbidden</html>', { 'Content-Type': 'text/html' });
    const error = await thrown(client({}, page).workflow.listWorkflows());
    assert.deepEqual([error.status, error.body], [403, '<html>Forbidden</html>']);
    const odd = answer(200, '<html>Sign in</html>', { 'Content-Type': 'text/html' });
    const other = await thrown(client({}, odd).workflow.listWorkflows());
    assert.match(other.message, /text\/html came back/);
  },
  a_call_ends_when_its_time_is_over: async () => {
    const error = await thrown(client({}, silent).workflow.getRun('x', { timeout: 50 }));
    assert.deepEqual([error.name, error.code], ['Unreachable', 'timeout']);
    assert.match(error.message, /within 50 ms/);
  },
  a_call_ends_when_its_signal_does: async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const hanging = () => controller.abort(reason);
    const options = { signal: controller.signal };
    const error = await thrown(client({}, hanging).workflow.getRun('x', options));
    assert.equal(error, reason);
    assert.equal(await thrown(client().workflow.getRun('x', options)), reason);
    assert.equal(received.length, 0);
  },
  a_signal_ends_the_pause_between_two_tries: async () => {
    const controller = new AbortController();
    const later = (response) => {
      answer(503, {}, { 'Retry-After': '40' })(response);
      setTimeout(() => controller.abort(), 20);
    };
    const options = { signal: controller.signal };
    const error = await thrown(client({}, later).workflow.getRun('x', options));
    assert.equal(error.name, 'AbortError');
  },
  an_id_stays_in_its_place: async () => {
    await client().workflow.getWorkflow('a/b?c');
    assert.equal(received[0].url, '/api/workflows/a%2Fb%3Fc');
    for (const id of ['..', '.', '', undefined]) {
      assert.throws(() => client().workflow.getWorkflow(id), TypeError);
    }
  },
  a_client_without_a_key_is_refused: () => {
    assert.throws(() => new EngineClient({ baseUrl }), /CARELOOM_API_KEY/);
  },
  the_environment_says_key_and_address: () => {
    process.env.CARELOOM_URL = 'http://elsewhere.example/';
    process.env.CARELOOM_API_KEY = 'of the environment';
    assert.equal(new EngineClient().baseUrl, 'http://elsewhere.example');
    delete process.env.CARELOOM_URL;
    delete process.env.CARELOOM_API_KEY;
    assert.equal(new EngineClient({ apiKey: 'k' }).baseUrl, 'http://127.0.0.1:8000');
  },
  events_are_put_together_however_they_are_cut: () => {
    const text = '\uFEFF: hello\r\nid: 1\r\nevent: run\r\ndata: {"a":\r\ndata: "ü"}\r\n\r\nid: 2\ndata: x\n\n';
    const bytes = new TextEncoder().encode(`${text}id: 3\revent: lost\rdata: half`);
    const wanted = [
      { id: '1', event: 'run', data: { a: 'ü' } },
      { id: '2', event: 'message', data: 'x' },
    ];
    for (const size of [1, 2, 3, 7, bytes.length]) {
      const parser = new EventParser();
      const seen = [];
      for (let at = 0; at < bytes.length; at += size) {
        seen.push(...parser.push(bytes.subarray(at, at + size)));
      }
      assert.deepEqual(seen, wanted, `in pieces of ${size}`);
      assert.equal(parser.lastEventId, '2');
    }
  },
  a_stream_goes_on_after_the_last_event: async () => {
    const first = events('retry: 1\n\nid: 7\ndata: {"n":1}\n\nid: 8\ndata: {"n"');
    const second = events('id: 8\nevent: run\ndata: {"n":2}\n\n');
    let opened = 0;
    const options = { opened: () => (opened += 1) };
    const streaming = client({}, first, broken, busy(), second).stream(['runs', 'tasks'], options);
    assert.deepEqual(await some(streaming, 2), [
      { id: '7', event: 'message', data: { n: 1 } },
      { id: '8', event: 'run', data: { n: 2 } },
    ]);
    assert.deepEqual([received.length, opened], [4, 2]);
    assert.equal(received[0].url, '/api/stream?topics=runs%2Ctasks');
    assert.equal(received[0].headers.accept, 'text/event-stream');
    assert.equal(received[0].headers['last-event-id'], undefined);
    assert.deepEqual(received.slice(1).map((one) => one.headers['last-event-id']), ['7', '7', '7']);
  },
  a_stream_begins_after_the_event_that_is_named: async () => {
    const options = { lastEventId: '41' };
    await some(client({}, events('id: 42\ndata: x\n\n')).stream('runs', options), 1);
    assert.equal(received[0].headers['last-event-id'], '41');
  },
  a_stream_that_falls_silent_is_opened_again: async () => {
    const streaming = client().stream('runs', { silence: 200 });
    otherwise = (response, request) => {
      if (request.headers['last-event-id'] === '1') events('id: 2\ndata: b\n\n')(response);
      else {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.write('retry: 1\n\nid: 1\ndata: a\n\n');
      }
    };
    assert.deepEqual((await some(streaming, 2)).map((event) => event.data), ['a', 'b']);
  },
  leaving_the_loop_closes_the_connection: async () => {
    const closed = new Promise((resolve) => {
      const streaming = client({}, (response) => {
        response.on('close', resolve);
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.write('data: a\n\n');
      }).stream('runs');
      void some(streaming, 1);
    });
    await closed;
  },
  a_signal_ends_a_stream_and_its_loop: async () => {
    const controller = new AbortController();
    const quiet = (response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(': here\n\n');
      setTimeout(() => controller.abort(), 20);
    };
    assert.deepEqual(await some(client({}, quiet).stream('runs', { signal: controller.signal })), []);
  },
  a_refused_stream_says_so: async () => {
    const refused = answer(403, { message: 'no', error: { code: 'forbidden' } });
    const error = await thrown(some(client({}, refused).stream('runs'), 1));
    assert.deepEqual([error.code, received.length], ['forbidden', 1]);
    const page = answer(200, '<html></html>', { 'Content-Type': 'text/html' });
    const other = await thrown(some(client({}, page).stream('runs'), 1));
    assert.match(other.message, /not text\/event-stream/);
  },
  a_stream_that_never_stood_is_told: async () => {
    const lost = await thrown(some(client({ retries: 1 }, broken, broken).stream('runs'), 1));
    assert.equal(lost.code, 'unreachable');
    const full = await thrown(some(client({ retries: 1 }, busy(), busy()).stream('runs'), 1));
    assert.deepEqual([full.status, received.length], [503, 2]);
  },
  what_a_reader_throws_is_not_taken_for_a_broken_connection: async () => {
    const opened = () => {
      throw new RangeError('mine');
    };
    const error = await thrown(some(client({}, events('data: a\n\n')).stream('runs', { opened })));
    assert.deepEqual([error.message, received.length], ['mine', 1]);
  },
  a_stream_that_is_over_ends: async () => {
    const over = answer(204, '');
    assert.deepEqual(await some(client({}, over).stream('runs')), []);
  },
});
server.closeAllConnections();
server.close();
