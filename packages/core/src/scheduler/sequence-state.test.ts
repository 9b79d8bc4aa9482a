import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeBytesTensor, type Tensor } from '@nereid/protocol';
import { createModelConfig, type Init, type ModelSequenceBatchingState } from '@nereid/protocol/model-config';
import {
  createSequenceBench,
  int32,
  outputsOf,
  sequenceConfig,
  valueOf,
  type SendOptions,
} from '../../test/sequence-bench.ts';
import { createSequenceState, type SequenceState } from './sequence-state.ts';

const NAMES = { input_name: 'IN', output_name: 'OUT' };
const words = (...texts: string[]): Uint8Array => new Uint8Array(encodeBytesTensor(texts));
let directory = '';

function stateOf(state: Init<ModelSequenceBatchingState>, maxBatchSize = 4): SequenceState {
  const config = createModelConfig({
    name: 'm',
    max_batch_size: maxBatchSize,
    sequence_batching: { state: [{ ...NAMES, data_type: 'TYPE_INT32', dims: [1], ...state }] },
  });
  return createSequenceState(config, directory);
}
const first = (state: SequenceState): Tensor => {
  const [tensor] = state.initial();
  assert.ok(tensor);
  return tensor;
};
const file = (name: string, dataType: 'TYPE_INT32' | 'TYPE_STRING', dims: readonly number[]) => ({
  data_type: dataType,
  dims,
  initial_state: [{ name: 'start', data_type: dataType, dims, data_file: name }],
});

describe('implicit state', () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nereid-test-'));
    await mkdir(join(directory, 'initial_state'));
    await writeFile(join(directory, 'initial_state', 'two'), new Uint8Array(Int32Array.of(5, 6).buffer));
    await writeFile(join(directory, 'initial_state', 'words'), words('a', 'bcd'));
    await writeFile(join(directory, 'initial_state', 'torn'), words('a', 'bcd').subarray(0, 10));
  });
  after(() => rm(directory, { recursive: true }));

  test('begins with zeros, variable dimensions as 1', () => {
    const { shape, data } = first(stateOf({ dims: [2, -1] }));
    assert.deepEqual([shape, data], [[1, 2, 1], new Uint8Array(8)]);
    assert.deepEqual(first(stateOf({ dims: [2] }, 0)).shape, [2]);
  });

  test('zeros of a string state are empty strings', () => {
    assert.deepEqual(first(stateOf({ data_type: 'TYPE_STRING', dims: [2] })).data, words('', ''));
  });

  test('begins with the contents of a file, strings among them', () => {
    const numbers = first(stateOf(file('two', 'TYPE_INT32', [2])));
    assert.deepEqual([...new Int32Array(numbers.data.buffer)], [5, 6]);
    assert.deepEqual(first(stateOf(file('words', 'TYPE_STRING', [2]))).data, words('a', 'bcd'));
  });

  for (const [name, dims, message] of [
    ['two', [3], /initial state 'start' of model 'm': file 'two' has 8 bytes, expected 12/],
    ['nosuch', [1], /initial state of model 'm' can't be read: .*nosuch/],
  ] as const) {
    test(`refuses the file '${name}' for ${dims.join()} numbers`, () => {
      assert.throws(() => stateOf(file(name, 'TYPE_INT32', dims)), { code: 'INVALID_ARG', message });
    });
  }

  test('refuses a file with another number of strings, and one that ends inside of one', () => {
    assert.throws(() => stateOf(file('words', 'TYPE_STRING', [3])), { message: /has 2 strings, expected 3/ });
    assert.throws(() => stateOf(file('torn', 'TYPE_STRING', [2])), { message: /ends inside of string 1/ });
  });

  test('an output becomes the input of the next step, in its own shape; what is missing stays', () => {
    const state = stateOf({ dims: [-1] });
    const grown = { ...int32('OUT', 7), shape: [1, 2], data: new Uint8Array(8) };
    const next = state.next(state.initial(), [int32('OTHER', 1), grown]);
    assert.deepEqual(next, [{ ...grown, name: 'IN' }]);
    assert.deepEqual(state.next(next, []), next);
  });

  test('a small state does not keep the outputs of a whole batch alive', () => {
    const state = stateOf({});
    const batch = new Uint8Array(4096);
    const [next] = state.next(state.initial(), [{ ...int32('OUT', 7), data: batch.subarray(0, 4) }]);
    assert.equal(next?.data.buffer.byteLength, 4);
  });

  test('use_same_buffer_for_input_output updates one buffer, which no other sequence has', () => {
    const state = stateOf({ use_same_buffer_for_input_output: true });
    const [one, other] = [state.initial(), state.initial()];
    const next = state.next(one, [int32('OUT', 7)]);
    assert.equal(next[0]?.data, one[0]?.data);
    assert.deepEqual([valueOf(next, 'IN'), valueOf(other, 'IN')], [7, 0]);
  });
});

describe('state outputs', () => {
  const outputs = [
    { name: 'OUTPUT', data_type: 'TYPE_INT32', dims: [1] },
    { name: 'OUT_STATE', data_type: 'TYPE_INT32', dims: [1] },
  ] as const;
  const namesOf = (declared: boolean, options: SendOptions = {}): string[] => {
    const more = declared ? { output: outputs } : {};
    const { send, runAll } = createSequenceBench(sequenceConfig({ direct: {} }, more));
    const { responses } = send(7, 1, { start: true, ...options });
    runAll();
    return responses.flatMap((response) => response?.outputs.map(({ name }) => name) ?? []);
  };

  test('are hidden unless they are declared as outputs, too', () => {
    assert.deepEqual(namesOf(false), ['OUTPUT']);
    assert.deepEqual(namesOf(true), ['OUTPUT', 'OUT_STATE']);
  });

  test('are hidden from a request that asks for others', () => {
    assert.deepEqual(namesOf(true, { outputs: ['OUTPUT'] }), ['OUTPUT']);
    assert.ok(namesOf(true, { outputs: ['OUT_STATE'] }).includes('OUT_STATE'));
  });

  test('an answer that lies in the buffer of the state does not change with the next step', () => {
    const state = [
      {
        input_name: 'IN_STATE',
        output_name: 'OUT_STATE',
        data_type: 'TYPE_INT32' as const,
        dims: [1],
        use_same_buffer_for_input_output: true,
      },
    ];
    const { send, runAll } = createSequenceBench(sequenceConfig({ direct: {}, state }), {
      // Answers the state as it was, without a copy, and adds one to it.
      answer: (step) => {
        const before = step.inputs.find(({ name }) => name === 'IN_STATE');
        assert.ok(before);
        const next = int32('OUT_STATE', (valueOf([before], 'IN_STATE') ?? 0) + 1);
        const answered = [{ ...before, name: 'OUTPUT' }, next];
        step.respond({ outputs: answered, parameters: undefined, error: undefined }, true);
      },
    });
    const all = [send(7, 0, { start: true }), send(7, 0), send(7, 0, { end: true })];
    runAll();
    assert.deepEqual(all.flatMap(outputsOf), [0, 1, 2]);
  });
});
