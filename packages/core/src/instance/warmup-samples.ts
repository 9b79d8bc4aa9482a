import { randomFillSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  datatypeByteSize,
  elementCount,
  fromConfigDatatype,
  InferenceServerError,
  type Datatype,
  type Tensor,
} from '@nereid/protocol';
import type { ModelConfig, ModelWarmup, ModelWarmupInput } from '@nereid/protocol/model-config';
import { createInputRules } from '../request/input-rules.ts';
import { validateInputs } from '../request/validate-request.ts';

/** What one warm-up sample executes. */
export interface WarmupSample {
  readonly name: string;
  /** Inputs of each of its requests: all that the backend sees, those made by the sequence batcher included. */
  readonly inputs: readonly Tensor[];
  /** Requests in its batch. */
  readonly batchSize: number;
  /** How often it is executed. */
  readonly count: number;
}

const FLOATS: ReadonlySet<Datatype> = new Set<Datatype>(['FP16', 'BF16', 'FP32', 'FP64']);

/** A string without characters: its length alone. */
const EMPTY_STRING_BYTES = 4;

/**
 * The warm-up samples of a model with their data (CFG-29). One of batch size 0 is left out, as in Triton.
 *
 * @param modelDirectory - Its folder `warmup` holds the files of `input_data_file`.
 * @throws InferenceServerError INVALID_ARG naming sample, input and file when the data does not fit.
 */
export async function readWarmupSamples(
  config: ModelConfig,
  modelDirectory: string,
): Promise<readonly WarmupSample[]> {
  const samples = config.model_warmup.filter(({ batch_size: batchSize }) => batchSize > 0);
  return Promise.all(samples.map((sample) => readSample(sample, config, modelDirectory)));
}

async function readSample(
  sample: ModelWarmup,
  config: ModelConfig,
  modelDirectory: string,
): Promise<WarmupSample> {
  const batch = config.max_batch_size > 0 ? [1] : [];
  const tensors = await Promise.all(
    Object.entries(sample.inputs).map(async ([name, input]): Promise<Tensor> => {
      const datatype = fromConfigDatatype(input.data_type) ?? 'BYTES';
      const shape = [...batch, ...input.dims];
      const what = `warmup sample '${sample.name}' of model '${config.name}': input '${name}'`;
      const data =
        input.input_data_file === undefined
          ? makeData(input, datatype)
          : await readData(join(modelDirectory, 'warmup', input.input_data_file), what);
      return { name, datatype, shape, data };
    }),
  );
  return {
    name: sample.name,
    inputs: asModelInputs(tensors, sample.name, config),
    batchSize: sample.batch_size,
    count: Math.max(1, sample.count),
  };
}

/** The tensors as a request's would be: checked, reshaped, in the order of the configuration. Others come behind. */
function asModelInputs(tensors: readonly Tensor[], sample: string, config: ModelConfig): readonly Tensor[] {
  const rules = createInputRules(config);
  const own = tensors.filter(({ name }) => rules.byName.has(name));
  const others = tensors.filter(({ name }) => !rules.byName.has(name));
  try {
    return [...validateInputs(rules, '', own, ({ data }) => data ?? new Uint8Array()).tensors, ...others];
  } catch (cause) {
    const { code, message } = InferenceServerError.from(cause);
    throw new InferenceServerError(code, `warmup sample '${sample}': ${message}`, { cause });
  }
}

/** Zeros or random values, integers from 0 to 127; strings are empty in both cases, as in Triton. */
function makeData({ dims, random_data: random }: ModelWarmupInput, datatype: Datatype): Uint8Array {
  const size = datatypeByteSize(datatype);
  const data = new Uint8Array(elementCount(dims) * (size || EMPTY_STRING_BYTES));
  if (random === undefined || datatype === 'BYTES') return data;
  randomFillSync(data);
  if (datatype === 'BOOL') return data.map((byte) => byte & 1);
  // Small, since models look things up by integers, and add them up.
  if (!FLOATS.has(datatype)) return data.map((byte, at) => (at % size === 0 ? byte & 0x7f : 0));
  // Without the highest bit of the exponent all of them are finite, and below 2.
  return data.map((byte, at) => (at % size === size - 1 ? byte & 0xbf : byte));
}

async function readData(path: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InferenceServerError('INVALID_ARG', `${what}: can't read its file: ${reason}`, { cause });
  }
}
