import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createModelConfig } from '@nereid/protocol/model-config';
import type { Tensor } from '@nereid/protocol';
import fc from 'fast-check';
import { collectInputs } from './collect-inputs.ts';
import { splitOutputs } from './split-outputs.ts';
import { createTensor, decodeStrings } from './tensor.ts';
import { buildRequest, type TestRequest } from './testing/build-request.ts';

const BATCHING = createModelConfig({ max_batch_size: 64 });

describe('splitOutputs', () => {
  it('gives each request its rows as views', () => {
    const requests = [requestFor(1), requestFor(2)];
    const output = createTensor('Y', 'INT16', [3, 2], new Int16Array([1, 2, 3, 4, 5, 6]));
    splitOutputs(requests, [output], BATCHING);
    const [first, second] = requests.map((request) => request.output('Y'));
    assert.deepEqual([first?.shape, first?.data.byteLength], [[1, 2], 4]);
    assert.deepEqual([second?.shape, second?.data.byteOffset, second?.data.byteLength], [[2, 2], 4, 8]);
    assert.equal(second?.data.buffer, output.data.buffer);
  });

  it('cuts strings by element', () => {
    const requests = [requestFor(1), requestFor(2)];
    splitOutputs(requests, [createTensor('Y', 'BYTES', [3, 2], ['a', 'bb', '', 'd', 'é', 'f'])], BATCHING);
    assert.deepEqual(
      requests.map((request) => decodeStrings(request.output('Y'))),
      [
        ['a', 'bb'],
        ['', 'd', 'é', 'f'],
      ],
    );
  });

  it('sends each request only what it wants, once and finally', () => {
    const requests = [requestFor(1, ['A']), requestFor(1, ['B', 'A'])];
    const outputs = ['A', 'B'].map((name) => createTensor(name, 'INT8', [2], new Int8Array(2)));
    splitOutputs(requests, outputs, BATCHING);
    assert.deepEqual(
      requests.map(({ responses }) =>
        responses.map(({ outputs: sent, final }) => [sent.map(({ name }) => name), final]),
      ),
      [[[['A'], true]], [[['A', 'B'], true]]],
    );
  });

  it('passes the outputs of a model that does not batch through', () => {
    const request = requestFor(1);
    const output = createTensor('Y', 'INT8', [], new Int8Array(1));
    splitOutputs([request], [output], createModelConfig());
    assert.equal(request.output('Y'), output);
  });

  it('fails a batch whose output has too few rows, before anything is sent', () => {
    for (const counts of [[2, 2], [4]]) {
      const requests = counts.map((count) => requestFor(count));
      const good = createTensor('A', 'INT8', [4], new Int8Array(4));
      const short = createTensor('Y', 'INT8', [3], new Int8Array(3));
      assert.throws(() => splitOutputs(requests, [good, short], BATCHING), {
        code: 'INTERNAL',
        message:
          "failed to split the output tensor 'Y' in responses: expected batch size of atleast 4 in model output, got 3",
      });
      assert.ok(requests.every(({ responses }) => responses.length === 0));
    }
  });

  it('fails when the bytes end before the rows do', () => {
    for (const datatype of ['INT64', 'BYTES'] as const) {
      const output: Tensor = { name: 'Y', datatype, shape: [2, 1], data: new Uint8Array([4, 0, 0, 0, 1]) };
      assert.throws(() => splitOutputs([requestFor(1), requestFor(1)], [output], BATCHING), {
        message: /expected at least 8 bytes, got 5/,
      });
    }
  });

  describe('with BATCH_SCATTER_WITH_INPUT_SHAPE', () => {
    const config = createModelConfig({
      max_batch_size: 4,
      output: [{ name: 'Y', data_type: 'TYPE_INT8', dims: [-1] }],
      batch_output: [{ target_name: ['Y'], kind: 'BATCH_SCATTER_WITH_INPUT_SHAPE', source_input: ['X'] }],
    });
    const ragged = (length: number): TestRequest =>
      buildRequest({
        inputs: [createTensor('X', 'INT8', [1, length], new Int8Array(length))],
        outputs: ['Y'],
      });

    it('cuts by the shape of the source input', () => {
      const requests = [ragged(1), ragged(3)];
      splitOutputs(requests, [createTensor('Y', 'INT8', [4], new Int8Array([1, 2, 3, 4]))], config);
      assert.deepEqual(
        requests.map((request) => [request.output('Y').shape, [...request.output('Y').data]]),
        [
          [[1, 1], [1]],
          [
            [1, 3],
            [2, 3, 4],
          ],
        ],
      );
    });

    it('fails when the source input is missing', () => {
      const request = buildRequest({ inputs: [], outputs: ['Y'] });
      assert.throws(
        () => splitOutputs([request], [createTensor('Y', 'INT8', [1], new Int8Array(1))], config),
        {
          message:
            /batch_output 'Y': expected source input 'X' to give the variable dimensions of \[-1\], found no such/,
        },
      );
    });
  });

  it('gives back what collectInputs put together', () => {
    const rows = fc.array(fc.array(fc.string(), { minLength: 2, maxLength: 2 }), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.array(rows, { minLength: 1, maxLength: 5 }), (batch) => {
        const requests = batch.map((part) => {
          const strings = createTensor('S', 'BYTES', [part.length, 2], part.flat());
          const lengths = Float64Array.from(part.flat(), (text) => text.length);
          return buildRequest({
            inputs: [strings, createTensor('L', 'FP64', [part.length, 2], lengths)],
            outputs: ['S', 'L'],
          });
        });
        splitOutputs(requests, collectInputs(requests, BATCHING), BATCHING);
        for (const request of requests) {
          for (const input of request.inputs) {
            const output = request.output(input.name);
            assert.deepEqual([...output.data], [...input.data]);
            assert.deepEqual(output.shape, input.shape);
          }
        }
      }),
    );
  });
});

function requestFor(batchSize: number, outputs: readonly string[] = ['Y']): TestRequest {
  return buildRequest({ inputs: [], batchSize, outputs });
}
