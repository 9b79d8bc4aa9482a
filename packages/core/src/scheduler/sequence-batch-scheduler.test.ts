import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createModelConfig } from '@nereid/protocol/model-config';
import type { Tensor } from '@nereid/protocol';
import { buildRequest, type RecordedRequest } from '../../test/build-request.ts';
import type { InferenceRequest } from '../request/inference-request.ts';
import { ManualClock } from './manual-clock.ts';
import type { Scheduler } from './scheduler.ts';
import { SequenceBatchScheduler } from './sequence-batch-scheduler.ts';
import { createSequenceState } from './sequence-state.ts';

const CONFIG = createModelConfig({
  name: 'seq',
  max_batch_size: 4,
  input: [{ name: 'INPUT', data_type: 'TYPE_INT32', dims: [1] }],
  output: [{ name: 'OUTPUT', data_type: 'TYPE_INT32', dims: [1] }],
  sequence_batching: {
    max_sequence_idle_microseconds: 1000,
    control_input: [
      { name: 'START', control: [{ kind: 'CONTROL_SEQUENCE_START', int32_false_true: [0, 1] }] },
    ],
    state: [{ input_name: 'IN_STATE', output_name: 'OUT_STATE', data_type: 'TYPE_INT32', dims: [1] }],
    oldest: { max_candidate_sequences: 2 },
  },
});

const tensor = (name: string, value: number): Tensor => ({
  name,
  datatype: 'INT32',
  shape: [1, 1],
  data: new Uint8Array(Int32Array.of(value).buffer),
});
const valueOf = (tensors: readonly Tensor[], name: string): number | undefined => {
  const found = tensors.find((t) => t.name === name);
  return found && new DataView(found.data.buffer, found.data.byteOffset).getInt32(0, true);
};

/** A batcher that keeps the steps until the test answers them. */
class Steps implements Scheduler {
  readonly waiting: InferenceRequest[] = [];
  readonly inFlightCount = 0;
  enqueue(request: InferenceRequest): void {
    this.waiting.push(request);
  }
  drain(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {}

  /** Adds input and state, as a model with implicit state would. */
  answer(): void {
    const step = this.waiting.shift();
    if (step === undefined) return;
    const sum = (valueOf(step.inputs, 'INPUT') ?? 0) + (valueOf(step.inputs, 'IN_STATE') ?? 0);
    step.respond(
      { outputs: [tensor('OUTPUT', sum), tensor('OUT_STATE', sum)], parameters: undefined, error: undefined },
      true,
    );
  }
}

function bench() {
  const steps = new Steps();
  const clock = new ManualClock();
  const scheduler = new SequenceBatchScheduler({
    config: CONFIG,
    batcher: steps,
    clock,
    state: createSequenceState(CONFIG, ''),
  });
  const send = (
    id: number | string,
    value: number,
    flags: { start?: boolean; end?: boolean } = {},
  ): RecordedRequest => {
    const recorded = buildRequest({
      inputs: [tensor('INPUT', value)],
      sequence: { id, start: flags.start ?? false, end: flags.end ?? false },
    });
    scheduler.enqueue(recorded.request);
    return recorded;
  };
  return { steps, clock, scheduler, send };
}

const outputs = ({ responses }: RecordedRequest): (number | undefined)[] =>
  responses.map((response) => response && valueOf(response.outputs, 'OUTPUT'));

describe('SequenceBatchScheduler', () => {
  test('keeps the state of a sequence between its steps, in order', () => {
    const { steps, send } = bench();
    const all = [send(7, 1, { start: true }), send(7, 2), send(7, 10, { end: true })];
    assert.equal(steps.waiting.length, 1);
    for (const _ of all) steps.answer();
    assert.deepEqual(all.flatMap(outputs), [1, 3, 13]);
  });

  test('hides the state outputs from the client', () => {
    const { steps, send } = bench();
    const one = send(7, 1, { start: true });
    steps.answer();
    assert.deepEqual(
      one.responses[0]?.outputs.map(({ name }) => name),
      ['OUTPUT'],
    );
  });

  test('tells the model which step is the first', () => {
    const { steps, send } = bench();
    send(7, 1, { start: true });
    send(7, 1);
    assert.equal(valueOf(steps.waiting[0]?.inputs ?? [], 'START'), 1);
    steps.answer();
    assert.equal(valueOf(steps.waiting[0]?.inputs ?? [], 'START'), 0);
  });

  test('begins anew when START comes again', () => {
    const { steps, send } = bench();
    const all = [
      send(7, 1, { start: true }),
      send(7, 2),
      send(7, 10, { start: true }),
      send(7, 1, { end: true }),
    ];
    for (const _ of all) steps.answer();
    assert.deepEqual(all.flatMap(outputs), [1, 3, 10, 11]);
  });

  test('refuses a first request without START, and requests without an id', () => {
    const { send } = bench();
    assert.throws(() => send(7, 1), { code: 'INVALID_ARG', message: /must specify the START flag/ });
    assert.throws(() => send(0, 1, { start: true }), {
      code: 'INVALID_ARG',
      message: /non-zero or non-empty correlation ID/,
    });
  });

  test('lets sequences beyond the candidates wait for a place', () => {
    const { steps, send } = bench();
    send(1, 1, { start: true, end: true });
    send(2, 1, { start: true });
    const third = send(3, 5, { start: true, end: true });
    assert.equal(steps.waiting.length, 2);
    steps.answer();
    assert.equal(steps.waiting.length, 2);
    steps.answer();
    steps.answer();
    assert.deepEqual(outputs(third), [5]);
  });

  test('drops a sequence that is idle for too long', () => {
    const { steps, clock, send } = bench();
    send(7, 1, { start: true });
    steps.answer();
    clock.advance(3_000_000);
    assert.throws(() => send(7, 2), { message: /START flag/ });
  });

  test('keeps number and string ids apart', () => {
    const { steps, send } = bench();
    send(7, 1, { start: true });
    send('7', 1, { start: true });
    assert.equal(steps.waiting.length, 2);
  });
});
