import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createModelConfig } from '@nereid/protocol/model-config';
import { buildRequest, fp32 } from '../../test/build-request.ts';
import { checkSchedules } from '../../test/check-schedules.ts';
import type { InferenceRequest, InferenceRequestFields } from '../request/inference-request.ts';
import type { Outcome } from './batch-transfer.ts';
import { readAnswers, writeAnswers } from './slot-answers.ts';
import { readBatch, writeBatch } from './slot-batch.ts';
import { BATCH, INSTANCE, Slot, SLOT_BYTES } from './slot.ts';
import { headsOf } from './tensor-heads.ts';

const HEADS = headsOf(
  createModelConfig({
    input: [
      { name: 'A', data_type: 'TYPE_FP32', dims: [-1] },
      { name: 'B', data_type: 'TYPE_FP32', dims: [-1] },
    ],
    output: [
      { name: 'Y', data_type: 'TYPE_FP32', dims: [-1] },
      { name: 'Z', data_type: 'TYPE_FP32', dims: [-1] },
    ],
  }),
);
const END = { times: { inputNs: 5, inferNs: 7, outputNs: 0 }, failed: false };

const SEQUENCE = fc.record(
  { id: fc.maxSafeNat(), start: fc.boolean(), end: fc.boolean() },
  { noNullPrototype: true },
);

const createSlot = (): Slot => new Slot(new SharedArrayBuffer(SLOT_BYTES), 0, 0);
const requestOf = (fields: Partial<InferenceRequestFields>): InferenceRequest => buildRequest(fields).request;
const write = (slot: Slot, requests: readonly InferenceRequest[]): boolean =>
  writeBatch(slot, { batch: 2 ** 40, instance: 3, requests, heads: HEADS });
const valuesOf = ({ buffer, byteOffset, byteLength }: Uint8Array): number[] => [
  ...new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength)),
];
const outcomeOf = (index: number, outputs: NonNullable<Outcome['response']>['outputs']): Outcome => ({
  index,
  response: { outputs, parameters: undefined, error: undefined },
  final: true,
  isRescheduled: false,
});

describe('a batch in a slot', () => {
  test('comes out as it went in, whatever its requests have', () => {
    const tensor = fc.array(fc.float({ noNaN: true }), { maxLength: 20 });
    const request = fc.record({
      inputs: fc.uniqueArray(fc.tuple(fc.constantFrom('A', 'B'), tensor), { selector: ([name]) => name }),
      batchSize: fc.nat(9),
      priority: fc.nat(3),
      sequence: fc.option(SEQUENCE, { nil: undefined }),
      id: fc.string({ unit: 'binary', maxLength: 30 }),
      timeoutUs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 40 })),
      wanted: fc.constantFrom([], ['Z'], ['Z', 'Y']),
    });
    checkSchedules(
      fc.property(fc.array(request, { minLength: 1, maxLength: 70 }), (rows) => {
        const slot = createSlot();
        const requests = rows.map(({ inputs, wanted, ...fields }) =>
          requestOf({
            inputs: inputs.map(([name, values]) => fp32(name, [1, values.length], values)),
            ...fields,
            requestedOutputs: wanted.map((output) => ({ name: output, classification: 0, binaryData: true })),
          }),
        );
        const before = Date.now();
        assert.ok(write(slot, requests));
        const after = Date.now();
        assert.deepEqual([slot.doubles[BATCH], slot.get(INSTANCE)], [2 ** 40, 3]);
        const read = readBatch(slot, HEADS);
        for (const { timeoutUs, deadline } of read) {
          // Requests of this test never waited.
          const from = deadline === undefined ? undefined : deadline - timeoutUs / 1e3;
          assert.equal(from !== undefined, timeoutUs > 0);
          if (from !== undefined) assert.ok(from >= before - 0.001 && from <= after + 0.001, `from ${from}`);
        }
        assert.deepEqual(
          read.map(({ inputs, ...fields }) => ({
            ...fields,
            deadline: undefined,
            inputs: inputs.map(({ data, ...head }) => ({ ...head, values: valuesOf(data) })),
          })),
          rows.map(({ inputs, wanted, ...fields }) => ({
            ...fields,
            deadline: undefined,
            requestedOutputs: wanted.length === 0 ? undefined : wanted,
            inputs: inputs.map(([name, values]) => ({
              name,
              datatype: 'FP32',
              shape: [1, values.length],
              values: [...Float32Array.from(values)],
            })),
          })),
        );
      }),
      200,
    );
  });

  test('has the parts of each input back to back', () => {
    const slot = createSlot();
    const inputs = [fp32('A', [1, 2], [1, 2]), fp32('B', [1, 1], [3])];
    assert.ok(write(slot, [requestOf({ inputs }), requestOf({ inputs })]));
    const [first, second] = readBatch(slot, HEADS);
    for (const column of [0, 1]) {
      const [a, b] = [first?.inputs[column]?.data, second?.inputs[column]?.data];
      assert.equal(b?.byteOffset, (a?.byteOffset ?? 0) + (a?.byteLength ?? 0));
    }
  });

  for (const [what, fields] of [
    ['an id that no record takes', { id: 'x'.repeat(16_000) }],
    ['parameters', { parameters: { a: 1 } }],
    ['a correlation ID that is a string', { sequence: { id: 'a', start: true, end: false } }],
    ['an input of another datatype', { inputs: [{ ...fp32('A', [1], [1]), datatype: 'INT32' }] }],
    ['an input that the model does not list', { inputs: [fp32('C', [1], [1])] }],
    ['a size that no word takes', { inputs: [{ ...fp32('A', [1], []), shape: [2 ** 31, 0] }] }],
    ['more bytes than a slot', { inputs: [fp32('A', [70_000], Array<number>(70_000).fill(0))] }],
    [
      'an output that the model does not list',
      { requestedOutputs: [{ name: 'Q', classification: 0, binaryData: true }] },
    ],
  ] satisfies readonly (readonly [string, Partial<InferenceRequestFields>])[]) {
    test(`is not written when a request has ${what}`, () => {
      assert.equal(write(createSlot(), [requestOf({}), requestOf(fields)]), false);
    });
  }

  test('is not written when there are more requests than records', () => {
    const inputs = [fp32('A', [1], [1])];
    assert.equal(
      write(
        createSlot(),
        Array.from({ length: 1000 }, () => requestOf({ inputs })),
      ),
      false,
    );
  });
});

describe('answers in a slot', () => {
  /** A slot that has a batch of two requests. */
  function sentSlot(): Slot {
    const slot = createSlot();
    const inputs = [fp32('A', [1, 2], [1, 2])];
    assert.ok(write(slot, [requestOf({ inputs }), requestOf({ inputs })]));
    return slot;
  }

  test('come out as they went in, also outputs that are views on the inputs', () => {
    const slot = sentSlot();
    const [, second] = readBatch(slot, HEADS);
    const view = {
      name: 'Z',
      datatype: 'FP32' as const,
      shape: [2],
      data: second?.inputs[0]?.data ?? new Uint8Array(),
    };
    const outcomes = [outcomeOf(1, [view, fp32('Y', [1], [9])]), outcomeOf(0, [])];
    assert.ok(writeAnswers(slot, outcomes, HEADS.outputs, END));
    const { answers, end } = readAnswers(slot, HEADS.outputs);
    assert.deepEqual(end, END);
    assert.deepEqual(
      answers.map(({ index, response }) => [
        index,
        response.outputs.map(({ name, datatype, shape, data }) => [name, datatype, shape, valuesOf(data)]),
      ]),
      [
        [
          1,
          [
            ['Z', 'FP32', [2], [1, 2]],
            ['Y', 'FP32', [1], [9]],
          ],
        ],
        [0, []],
      ],
    );
  });

  test('keep their bytes when the slot takes the next batch', () => {
    const slot = sentSlot();
    assert.ok(writeAnswers(slot, [outcomeOf(0, [fp32('Y', [1], [9])])], HEADS.outputs, END));
    const { answers } = readAnswers(slot, HEADS.outputs);
    slot.bytes.fill(0);
    assert.deepEqual(valuesOf(answers[0]?.response.outputs[0]?.data ?? new Uint8Array()), [9]);
  });

  const large = fp32('Y', [70_000], Array<number>(70_000).fill(0));
  for (const [what, outcome] of [
    [
      'an error',
      { ...outcomeOf(0, []), response: { outputs: [], parameters: undefined, error: new Error('no') } },
    ],
    [
      'parameters',
      { ...outcomeOf(0, []), response: { outputs: [], parameters: { a: 1 }, error: undefined } },
    ],
    ['nothing but its end', { ...outcomeOf(0, []), response: undefined }],
    ['further ones to come', { ...outcomeOf(0, []), final: false }],
    ['states for the next execution', { ...outcomeOf(0, []), isRescheduled: true }],
    ['an output of another datatype', outcomeOf(0, [{ ...fp32('Y', [1], [1]), datatype: 'INT32' }])],
    ['more bytes than a slot', outcomeOf(0, [large])],
  ] as readonly (readonly [string, Outcome])[]) {
    test(`are not written when one has ${what}`, () => {
      assert.equal(writeAnswers(sentSlot(), [outcomeOf(1, []), outcome], HEADS.outputs, END), false);
    });
  }
});
