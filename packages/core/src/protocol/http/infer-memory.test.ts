import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '@nereid/protocol';
import { responseOf, servedModel, startServer } from './testing/fake-services.ts';

const BYTE_SIZE = 2 << 20;

/** Asks for a large tensor and gets it back; what the model had of it, once the answer is sent. */
async function infer(
  t: Parameters<typeof startServer>[0],
  { isSpent = true, isLate = false, fields = {} },
): Promise<Tensor> {
  let seen: Tensor | undefined;
  const { url } = await startServer(t, {
    inference: {
      getModel: () => servedModel(),
      infer: (_model, { inputs }, handler) => {
        const tensors = inputs.map((input) => ({ ...input, data: input.data ?? new Uint8Array() }));
        [seen] = tensors;
        const response = { ...responseOf(...tensors), ...(isSpent && { spent: tensors }) };
        if (isLate) setTimeout(() => handler(response, true), 5);
        else handler(response, true);
        return { cancel: () => undefined };
      },
    },
  });
  const json = JSON.stringify({
    ...fields,
    inputs: [
      { name: 'X', datatype: 'UINT8', shape: [BYTE_SIZE], parameters: { binary_data_size: BYTE_SIZE } },
    ],
    outputs: [{ name: 'X', parameters: { binary_data: true } }],
  });
  const data = Buffer.alloc(BYTE_SIZE, 'some text');
  const answer = await fetch(`${url}/v2/models/m/infer`, {
    method: 'POST',
    headers: { 'Inference-Header-Content-Length': String(json.length) },
    body: Buffer.concat([Buffer.from(json), data]),
  });
  assert.ok(
    Buffer.from(await answer.arrayBuffer())
      .subarray(-BYTE_SIZE)
      .equals(data),
  );
  assert.ok(seen);
  return seen;
}

for (const isLate of [false, true]) {
  test(`a large tensor that is spent is nobody's once it is sent, answered ${isLate ? 'later' : 'at once'}`, async (t) => {
    const { data } = await infer(t, { isLate });
    // The client may have all of it before the server has heard that.
    while (data.length > 0) await new Promise((resolve) => setImmediate(resolve));
  });
}

test('a large tensor that somebody may still have stays as it is', async (t) => {
  for (const how of [
    { isSpent: false },
    { fields: { parameters: { sequence_id: 5, sequence_start: true } } },
  ]) {
    const { data } = await infer(t, how);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(data.length, BYTE_SIZE, JSON.stringify(how));
  }
});
