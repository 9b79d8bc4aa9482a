import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { InferenceServerError, InferResponseMessage } from '@nereid/protocol';
import { decodeInferRequest, encodeInferResponse } from '@nereid/protocol/http';
import { createModelConfig } from '@nereid/protocol/model-config';
import { becomesLargeJson, isLargeJson, JsonThread } from './json-thread.ts';
import { identity, servedModel, startServer } from './testing/fake-services.ts';

const OPTIONS = { modelName: 'm', modelVersion: '', headerLength: undefined };
const COUNT = 200_000;

function bodyOf(count: number, datatype = 'FP32', value = 0.25): Buffer {
  const data = new Array<number>(count).fill(value);
  return Buffer.from(JSON.stringify({ id: 'r', inputs: [{ name: 'I', datatype, shape: [count], data }] }));
}

function createThread(t: TestContext): JsonThread {
  const thread = new JsonThread();
  t.after(() => thread.close());
  return thread;
}

const response: InferResponseMessage = {
  modelName: 'm',
  modelVersion: '1',
  id: 'r',
  parameters: { seconds: 1n },
  outputs: [
    { name: 'A', datatype: 'FP32', shape: [2], data: new Uint8Array(Float32Array.of(1.5, -2).buffer) },
    { name: 'B', datatype: 'UINT8', shape: [3], data: Uint8Array.of(0, 1, 2, 3, 4).subarray(1, 4) },
  ],
};

test('a thread decodes as the codec does, whosever memory the body lies in', async (t) => {
  const thread = createThread(t);
  const body = bodyOf(3);
  assert.notEqual(body.byteLength, body.buffer.byteLength);
  const expected = decodeInferRequest(body, OPTIONS);
  assert.deepEqual(await thread.decode(body, OPTIONS), expected);
  assert.deepEqual(decodeInferRequest(body, OPTIONS), expected);
  const binary = Buffer.concat([
    Buffer.from(
      '{"inputs":[{"name":"I","datatype":"UINT8","shape":[2],"parameters":{"binary_data_size":2}}]}',
    ),
    Uint8Array.of(7, 8),
  ]);
  const options = { ...OPTIONS, headerLength: binary.length - 2 };
  assert.deepEqual([...((await thread.decode(binary, options)).inputs[0]?.data ?? [])], [7, 8]);
});

test('a thread encodes as the codec does, and leaves the outputs as they are', async (t) => {
  const thread = createThread(t);
  for (const isBinary of [[], [true, false]]) {
    const expected = encodeInferResponse(response, isBinary);
    const { json, binaries, headerLength } = await thread.encode(response, isBinary);
    assert.equal(json.toString(), expected.json.toString());
    assert.deepEqual(
      binaries.map((part) => [...part]),
      expected.binaries.map((part) => [...part]),
    );
    assert.equal(headerLength, expected.headerLength);
  }
});

test('errors keep their code and message', async (t) => {
  const thread = createThread(t);
  await assert.rejects(thread.decode(Buffer.from('{'), OPTIONS), (error: InferenceServerError) => {
    assert.equal(error.code, 'INTERNAL');
    assert.match(error.message, /^failed to parse the request JSON buffer: Missing a name/);
    return true;
  });
});

test('the serving thread goes on while a large body is decoded', async (t) => {
  const thread = createThread(t);
  await thread.decode(bodyOf(1), OPTIONS);
  let turns = 0;
  let isDone = false;
  const decoded = thread.decode(bodyOf(COUNT), OPTIONS).then(() => {
    isDone = true;
  });
  for (; !isDone; turns += 1) await new Promise(setImmediate);
  await decoded;
  assert.ok(turns > 10, `${String(turns)} turns of the event loop`);
});

test('a thread that ends fails what it had, and the next task starts another', async (t) => {
  const thread = createThread(t);
  const decoded = thread.decode(bodyOf(COUNT), OPTIONS);
  const failed = assert.rejects(decoded, {
    code: 'UNAVAILABLE',
    message: /send large tensors as binary data/,
  });
  await thread.close();
  await failed;
  assert.equal((await thread.decode(bodyOf(1), OPTIONS)).id, 'r');
});

test('only large JSON goes to the thread', () => {
  assert.equal(isLargeJson(Buffer.alloc(262_143), undefined), false);
  assert.equal(isLargeJson(Buffer.alloc(262_144), undefined), true);
  assert.equal(isLargeJson(Buffer.alloc(1_000_000), 100), false);
  assert.equal(isLargeJson(Buffer.alloc(1_000_000), 0), false);
  const [output] = response.outputs;
  assert.ok(output !== undefined);
  const large = { ...response, outputs: [{ ...output, data: new Uint8Array(65_536) }] };
  assert.equal(becomesLargeJson(large, [false]), true);
  assert.equal(becomesLargeJson(large, [true]), false);
  assert.equal(becomesLargeJson(response, [false, false]), false);
});

test('a large request is answered, and a large wrong one refused, as small ones are', async (t) => {
  const { url } = await startServer(t, { inference: identity() });
  const post = (body: Buffer): Promise<Response> =>
    fetch(`${url}/v2/models/m/infer`, { method: 'POST', body: new Uint8Array(body) });
  const answer = await post(bodyOf(COUNT));
  assert.equal(answer.status, 200);
  const { id, outputs } = (await answer.json()) as { id: string; outputs: { data: number[] }[] };
  assert.equal(id, 'r');
  assert.deepEqual(outputs[0]?.data, new Array<number>(COUNT).fill(0.25));
  for (const count of [3, COUNT]) {
    const refused = await post(bodyOf(count, 'UINT8', 300));
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /value 300 of input 'I' is out of range for datatype UINT8/);
  }
});

test('large bodies of generate go to the thread, and are answered and refused as small ones are', async (t) => {
  const decoded = t.mock.method(JsonThread.prototype, 'decodeGenerate');
  const config = createModelConfig({
    input: [{ name: 'I', data_type: 'TYPE_FP32', dims: [-1] }],
    output: [{ name: 'I', data_type: 'TYPE_FP32', dims: [-1] }],
  });
  const { url } = await startServer(t, { inference: identity(servedModel({ config })) });
  const post = (body: unknown): Promise<Response> =>
    fetch(`${url}/v2/models/m/generate`, { method: 'POST', body: JSON.stringify(body) });
  const refusals: string[] = [];
  for (const [count, tasks] of [
    [2, 0],
    [COUNT, 1],
  ] as const) {
    const values = new Array<number>(count).fill(0.25);
    const answer = await post({ I: values });
    assert.equal(answer.status, 200);
    assert.deepEqual(((await answer.json()) as { I: number[] }).I, values);
    assert.equal(decoded.mock.callCount(), tasks);
    const refused = await post({ I: [...values, 'x'] });
    refusals.push(`${String(refused.status)} ${await refused.text()}`);
    decoded.mock.resetCalls();
  }
  assert.match(refusals[0] ?? '', /^500 .*JSON non-number/);
  assert.equal(refusals[1], refusals[0]);
});
