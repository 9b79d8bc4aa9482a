import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeBytesTensor, type Tensor } from '@nereid/protocol';
import {
  createModelConfig,
  type DataType,
  type ModelSequenceBatchingControl,
} from '@nereid/protocol/model-config';
import { buildRequest } from '../../test/build-request.ts';
import { createControlInputs, NOT_READY, type ControlInputs } from './control-inputs.ts';

function controls(control: Partial<ModelSequenceBatchingControl>, maxBatchSize = 4): ControlInputs {
  return createControlInputs(
    createModelConfig({
      name: 'm',
      max_batch_size: maxBatchSize,
      sequence_batching: { control_input: [{ name: 'C', control: [control] }] },
    }),
  );
}

const FIRST = { id: 7, start: true, end: false, ready: true };
const LAST = { id: 7, start: false, end: true, ready: true };
const only = ([tensor, ...others]: readonly Tensor[]): Tensor => {
  assert.ok(tensor !== undefined && others.length === 0);
  return tensor;
};
const corrid = (dataType: DataType): ControlInputs =>
  controls({ kind: 'CONTROL_SEQUENCE_CORRID', data_type: dataType });

describe('control inputs', () => {
  const pairs = [
    ['INT32', { int32_false_true: [3, 9] }, [...new Uint8Array(Int32Array.of(3, 9).buffer)]],
    ['FP32', { fp32_false_true: [0.5, -1] }, [...new Uint8Array(Float32Array.of(0.5, -1).buffer)]],
    ['BOOL', { bool_false_true: [true, false] }, [1, 0]],
  ] as const;
  for (const [datatype, values, bytes] of pairs) {
    test(`${datatype} controls have the values that the configuration gives`, () => {
      const create = controls({ kind: 'CONTROL_SEQUENCE_START', ...values });
      const [no, yes] = [only(create.create(LAST)), only(create.create(FIRST))];
      assert.deepEqual([no.datatype, no.shape], [datatype, [1, 1]]);
      assert.deepEqual([...no.data, ...yes.data], bytes);
    });
  }

  for (const [kind, expected] of Object.entries({
    CONTROL_SEQUENCE_START: [1, 0, 0],
    CONTROL_SEQUENCE_END: [0, 1, 0],
    CONTROL_SEQUENCE_READY: [1, 1, 0],
  })) {
    test(`${kind} in the first request, in the last and in padding`, () => {
      const { create } = controls({
        kind: kind as ModelSequenceBatchingControl['kind'],
        bool_false_true: [false, true],
      });
      const found = [FIRST, LAST, NOT_READY].map((signals) => only(create(signals)).data[0]);
      assert.deepEqual(found, expected);
    });
  }

  test('a model that does not batch gets them without a batch dimension', () => {
    const { create } = controls({ kind: 'CONTROL_SEQUENCE_END', int32_false_true: [0, 1] }, 0);
    assert.deepEqual(only(create(FIRST)).shape, [1]);
  });

  for (const [dataType, size] of [
    ['TYPE_UINT64', 8],
    ['TYPE_INT64', 8],
    ['TYPE_UINT32', 4],
    ['TYPE_INT32', 4],
  ] as const) {
    test(`CORRID as ${dataType} has the low ${size} bytes of the id`, () => {
      const { data } = only(corrid(dataType).create({ ...FIRST, id: 0x1122334455667788n }));
      assert.deepEqual(
        [...data].map((byte) => byte.toString(16)),
        ['88', '77', '66', '55', '44', '33', '22', '11'].slice(0, size),
      );
    });
  }

  test('CORRID as TYPE_STRING is one string, empty in padding', () => {
    const { create } = corrid('TYPE_STRING');
    const texts = [{ ...FIRST, id: 'zwölf' }, NOT_READY].map((signals) =>
      decodeBytesTensor(only(create(signals)).data).map((bytes) => Buffer.from(bytes).toString()),
    );
    assert.deepEqual(texts, [['zwölf'], ['']]);
  });

  test('an id of the other kind is refused, with the name of the control', () => {
    const { request } = buildRequest();
    assert.throws(() => corrid('TYPE_STRING').checkId(request, 12), {
      code: 'INVALID_ARG',
      message: /correlation ID "12", a number, but control input 'C' of the model takes strings/,
    });
    assert.throws(() => corrid('TYPE_UINT32').checkId(request, 'abc'), {
      message: /takes numbers \(TYPE_UINT32\)/,
    });
    const { checkId } = controls({ kind: 'CONTROL_SEQUENCE_END', int32_false_true: [0, 1] });
    for (const id of [12, 12n, 'abc']) assert.doesNotThrow(() => checkId(request, id));
  });
});
