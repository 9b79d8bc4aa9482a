import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createModelConfig } from '@nereid/protocol/model-config';
import { buildRequest, fp32, type RecordedRequest } from '../../test/build-request.ts';
import type { InferenceRequestFields } from '../request/inference-request.ts';
import { BackendMetrics } from '../telemetry/metrics.ts';
import type { ChannelListener } from './executor-channel.ts';
import { Executor } from './executor.ts';
import type { ToExecutor } from './executor-messages.ts';
import { MailboxReceiver } from './mailbox-receiver.ts';
import { MailboxSender } from './mailbox-sender.ts';
import { writeAnswers } from './slot-answers.ts';
import { readBatch } from './slot-batch.ts';
import type { Slot } from './slot.ts';
import { headsOf } from './tensor-heads.ts';

const HEADS = headsOf(
  createModelConfig({
    input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1] }],
    output: [{ name: 'Y', data_type: 'TYPE_FP32', dims: [-1] }],
  }),
);
const TIMES = { inputNs: 5, inferNs: 7, outputNs: 0 };

/** An executor whose thread is this one, and does what the test says. */
class Bench {
  readonly messages: ToExecutor[] = [];
  readonly events: string[] = [];
  readonly receiver: MailboxReceiver;
  readonly executor: Executor;
  #listener: ChannelListener | undefined;
  #onEvent: (() => void) | undefined;

  constructor() {
    const mailbox = new MailboxSender({
      onAnswer: (slot) => this.#listener?.onAnswer(slot),
      wake: () => this.events.push('wake'),
    });
    this.receiver = new MailboxReceiver(mailbox.buffer);
    const silent = (): void => {};
    const logger = () => ({ verbose: silent, info: silent, warning: silent, error: silent });
    const metrics = new BackendMetrics([], assert.ifError);
    this.executor = new Executor(
      (listener) => {
        this.#listener = listener;
        return { mailbox, post: (message) => void this.messages.push(message), terminate: async () => {} };
      },
      { logger, metrics, reportProgress: silent },
    );
  }

  execute(fields: Partial<InferenceRequestFields> = {}): RecordedRequest {
    const recorded = buildRequest({ ...fields, inputs: [fp32('X', [1, 1], [4])] });
    this.executor.execute({
      instance: 0,
      requests: [recorded.request],
      heads: HEADS,
      outputs: ['Y'],
      sink: {
        onResponse: (_index, response, final) => {
          recorded.request.respond(response, final);
          this.events.push('response');
          this.#onEvent?.();
        },
        onReschedule: () => {},
        onDone: ({ inferNs }, failed) => this.events.push(`done ${inferNs} ${failed}`),
      },
    });
    return recorded;
  }

  next(): Slot {
    const slot = this.receiver.next();
    assert.ok(slot);
    return slot;
  }

  async answer(slot: Slot): Promise<void> {
    const outputs = [fp32('Y', [1, 1], [9])];
    const outcome = { index: 0, response: { outputs, parameters: undefined, error: undefined } };
    const outcomes = [{ ...outcome, final: true, isRescheduled: false }];
    assert.ok(writeAnswers(slot, outcomes, HEADS.outputs, { times: TIMES, failed: false }));
    const heard = new Promise<void>((resolve) => (this.#onEvent = resolve));
    this.receiver.answer(slot);
    await heard;
  }

  end(): void {
    this.#listener?.onExit('gone');
  }
}

describe('an executor', () => {
  test('gets a plain batch without a message, and answers it so', async () => {
    const bench = new Bench();
    const { responses } = bench.execute();
    const slot = bench.next();
    assert.deepEqual(readBatch(slot, HEADS)[0]?.inputs[0]?.shape, [1, 1]);
    await bench.answer(slot);
    assert.deepEqual(bench.events, ['wake', 'done 7 false', 'response']);
    assert.deepEqual([...(responses[0]?.outputs[0]?.data ?? [])], [...fp32('Y', [1], [9]).data]);
    assert.deepEqual(bench.messages, []);
  });

  test('gets the next one in the same memory', async () => {
    const bench = new Bench();
    bench.execute();
    const slot = bench.next();
    await bench.answer(slot);
    bench.execute();
    assert.equal(bench.next().number, slot.number);
  });

  test('gets a batch whose requests have more as a message', () => {
    const bench = new Bench();
    bench.execute({ parameters: { a: 1 } });
    assert.deepEqual(
      bench.messages.map(({ kind }) => kind),
      ['execute'],
    );
    assert.equal(bench.receiver.next(), undefined);
  });

  test('that has gone leaves no batch unanswered', () => {
    const bench = new Bench();
    const open = bench.execute();
    bench.end();
    const later = bench.execute();
    assert.deepEqual([open.errors(), later.errors()], [['gone'], ['gone']]);
  });
});
