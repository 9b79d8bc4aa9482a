import { isUtf8 } from 'node:buffer';
import {
  collectInputs,
  createTensor,
  decodeBytesTensor,
  decodeStrings,
  InferenceServerError,
  splitOutputs,
  tensorView,
  type BackendModelInstance,
  type BackendRequest,
  type ModelConfig,
  type Tensor,
} from '@nereid/backend-sdk';
import { fromOrtType, toOrtType } from './io-mapping.ts';
import type { OrtSession, OrtTensor, OrtTensors } from './ort-binding.ts';
import { fromOrtError } from './ort-error.ts';

/** An instance that runs batches on a session. */
export function createOnnxInstance(session: OrtSession, config: ModelConfig): BackendModelInstance {
  const scalarInputs = scalarNames(session.inputs);
  const scalarShapes = scalarOutputShapes(session, config);
  const answer = (requests: readonly BackendRequest[], results: OrtTensors): void => {
    const outputs: Tensor[] = [];
    for (const name in results) {
      const result = results[name];
      if (result !== undefined) outputs.push(fromOrtTensor(name, result, scalarShapes));
    }
    splitOutputs(requests, outputs, config);
  };
  return {
    execute(requests) {
      const feeds = feedsOf(requests, config, scalarInputs);
      const results = runSession(session, feeds, fetchesOf(requests, session));
      return results instanceof Promise
        ? results.then((outputs) => answer(requests, outputs))
        : answer(requests, results);
    },
  };
}

function runSession(
  session: OrtSession,
  feeds: OrtTensors,
  fetches: Readonly<Record<string, null>>,
): OrtTensors | Promise<OrtTensors> {
  try {
    const results = session.run(feeds, fetches);
    if (!(results instanceof Promise)) return results;
    return results.catch((error: unknown) => {
      throw fromOrtError(error);
    });
  } catch (error) {
    throw fromOrtError(error);
  }
}

function feedsOf(
  requests: readonly BackendRequest[],
  config: ModelConfig,
  scalars: ReadonlySet<string>,
): OrtTensors {
  const feeds: Record<string, OrtTensor> = {};
  for (const input of collectInputs(requests, config)) {
    feeds[input.name] = toOrtTensor(input, scalars.has(input.name) ? [] : input.shape);
  }
  return feeds;
}

/** The outputs that any of the requests wants, in the model's order. */
function fetchesOf(requests: readonly BackendRequest[], session: OrtSession): Record<string, null> {
  const fetches: Record<string, null> = {};
  for (const { name } of session.outputs) {
    for (const request of requests) {
      if (!request.wants(name)) continue;
      fetches[name] = null;
      break;
    }
  }
  return fetches;
}

function toOrtTensor(input: Tensor, dims: readonly number[]): OrtTensor {
  const type = toOrtType(input.datatype);
  if (type === undefined) {
    throw new InferenceServerError(
      'UNSUPPORTED',
      `input '${input.name}': ONNX Runtime does not take ${input.datatype}`,
    );
  }
  return {
    type,
    dims,
    location: 'cpu',
    data: input.datatype === 'BYTES' ? toStrings(input) : tensorView(input),
  };
}

/** The library's strings are text that ends at the first NUL: anything else would come out changed. */
function toStrings(input: Tensor): readonly string[] {
  const strings = decodeStrings(input);
  if (strings.some((text) => text.includes('\uFFFD') || text.includes('\0'))) assertText(input);
  return strings;
}

function assertText(input: Tensor): void {
  const wrong = decodeBytesTensor(input.data).findIndex((element) => !isUtf8(element) || element.includes(0));
  if (wrong === -1) return;
  throw new InferenceServerError(
    'INVALID_ARG',
    `input '${input.name}': ONNX strings must be UTF-8 text without NUL, element ${wrong} is not`,
  );
}

function fromOrtTensor(
  name: string,
  { type, dims, data }: OrtTensor,
  scalars: ReadonlyMap<string, readonly number[]>,
): Tensor {
  const datatype = fromOrtType(type);
  if (datatype === undefined) {
    throw new InferenceServerError(
      'UNSUPPORTED',
      `output '${name}': ONNX Runtime returned element type ${type}`,
    );
  }
  const shape = scalars.get(name) ?? dims;
  if (!ArrayBuffer.isView(data)) return createTensor(name, datatype, shape, data);
  return { name, datatype, shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function scalarNames(infos: OrtSession['inputs']): ReadonlySet<string> {
  return new Set(
    infos.filter(({ shape, isTensor }) => isTensor && shape.length === 0).map(({ name }) => name),
  );
}

/** Scalars stand in the configuration with dimensions of 1, which clients see. */
function scalarOutputShapes(
  { outputs }: OrtSession,
  config: ModelConfig,
): ReadonlyMap<string, readonly number[]> {
  const scalars = scalarNames(outputs);
  return new Map(config.output.filter(({ name }) => scalars.has(name)).map(({ name, dims }) => [name, dims]));
}
