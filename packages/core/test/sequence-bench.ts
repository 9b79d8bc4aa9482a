import { createModelConfig, type Init, type ModelConfig } from '@nereid/protocol/model-config';
import type { Tensor } from '@nereid/protocol';
import type { InferenceRequest } from '../src/request/inference-request.ts';
import { createScheduler } from '../src/scheduler/create-scheduler.ts';
import { ManualClock } from '../src/scheduler/manual-clock.ts';
import type { Scheduler } from '../src/scheduler/scheduler.ts';
import { buildRequest, type RecordedRequest } from './build-request.ts';
import { FakeRunner } from './fake-runner.ts';

type Batching = Init<NonNullable<ModelConfig['sequence_batching']>>;

const FLAG = { int32_false_true: [0, 1] };

/** A model that adds its inputs up in an implicit state, and sees all controls. */
export function sequenceConfig(batching: Batching, more: Init<ModelConfig> = {}): ModelConfig {
  return createModelConfig({
    name: 'seq',
    max_batch_size: 2,
    input: [{ name: 'INPUT', data_type: 'TYPE_INT32', dims: [1] }],
    output: [{ name: 'OUTPUT', data_type: 'TYPE_INT32', dims: [1] }],
    sequence_batching: {
      max_sequence_idle_microseconds: 1000,
      control_input: [
        { name: 'START', control: [{ kind: 'CONTROL_SEQUENCE_START', ...FLAG }] },
        { name: 'END', control: [{ kind: 'CONTROL_SEQUENCE_END', ...FLAG }] },
        { name: 'READY', control: [{ kind: 'CONTROL_SEQUENCE_READY', ...FLAG }] },
        { name: 'CORRID', control: [{ kind: 'CONTROL_SEQUENCE_CORRID', data_type: 'TYPE_INT32' }] },
      ],
      state: [{ input_name: 'IN_STATE', output_name: 'OUT_STATE', data_type: 'TYPE_INT32', dims: [1] }],
      ...batching,
    },
    ...more,
  });
}

export function int32(name: string, value: number): Tensor {
  return { name, datatype: 'INT32', shape: [1, 1], data: new Uint8Array(Int32Array.of(value).buffer) };
}

/** The only value of a tensor by name; undefined when it is not there. */
export function valueOf(tensors: readonly Tensor[], name: string): number | undefined {
  const found = tensors.find((tensor) => tensor.name === name);
  return found && new DataView(found.data.buffer, found.data.byteOffset).getInt32(0, true);
}

/** Adds input and state, as a model with implicit state would. */
export function answerWithSum(step: InferenceRequest): void {
  const sum = (valueOf(step.inputs, 'INPUT') ?? 0) + (valueOf(step.inputs, 'IN_STATE') ?? 0);
  const outputs = [int32('OUTPUT', sum), int32('OUT_STATE', sum)];
  step.respond({ outputs, parameters: undefined, error: undefined }, true);
}

/** What a request of a sequence may say. */
export interface SendOptions {
  readonly start?: boolean;
  readonly end?: boolean;
  readonly timeoutUs?: number;
  readonly outputs?: readonly string[];
}

/** A scheduler for sequences, with a model that answers when it is told to. */
export interface SequenceBench {
  readonly scheduler: Scheduler;
  readonly runner: FakeRunner;
  readonly clock: ManualClock;
  readonly statistics: { pending: number; failures: string[] };
  readonly warnings: string[];
  send(id: number | string, value: number, options?: SendOptions): RecordedRequest;
  /** Lets what came together form batches, then finishes what runs, as often as there is something. */
  runAll(): void;
  /** Batches as text: a row for each request, `id:value`, `-` for padding. */
  rows(): string[];
}

/** What a bench may have that is not usual. */
export interface SequenceBenchOptions {
  readonly instances?: number;
  readonly answer?: (step: InferenceRequest) => void;
  readonly modelDirectory?: string;
}

export function createSequenceBench(
  config: ModelConfig,
  { instances = 1, answer = answerWithSum, modelDirectory = '' }: SequenceBenchOptions = {},
): SequenceBench {
  const runner = new FakeRunner(instances, answer);
  const clock = new ManualClock();
  const failures: string[] = [];
  const warnings: string[] = [];
  const statistics = {
    pending: 0,
    failures,
    recordFailure: (_: number, reason: string) => void failures.push(reason),
  };
  const warn = (message: string): void => void warnings.push(message);
  const scheduler = createScheduler({ config, modelDirectory, runner, clock, statistics, warn });
  return {
    scheduler,
    runner,
    clock,
    statistics,
    warnings,
    send: (id, value, { start = false, end = false, timeoutUs = 0, outputs = [] } = {}) => {
      const recorded = buildRequest({
        modelName: config.name,
        inputs: [int32('INPUT', value)],
        sequence: { id, start, end },
        timeoutUs,
        requestedOutputs: outputs.map((name) => ({ name, classification: 0, binaryData: false })),
      });
      scheduler.enqueue(recorded.request);
      return recorded;
    },
    runAll: () => {
      for (;;) {
        clock.advance(0);
        const busy = Array.from({ length: instances }, (_, at) => runner.running(at)).filter(
          (batch) => batch !== undefined,
        );
        if (busy.length === 0) return;
        for (const batch of busy) runner.finish(batch);
      }
    },
    rows: () =>
      runner.batches.map(({ requests }) =>
        requests
          .map((r) => (r.isPadding ? '-' : `${String(r.sequence?.id)}:${String(valueOf(r.inputs, 'INPUT'))}`))
          .join(' '),
      ),
  };
}

/** The outputs of the responses to a request. */
export function outputsOf({ responses }: RecordedRequest): (number | undefined)[] {
  return responses.map((response) => response && valueOf(response.outputs, 'OUTPUT'));
}
