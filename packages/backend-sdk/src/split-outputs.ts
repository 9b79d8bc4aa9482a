import {
  datatypeByteSize,
  elementCount,
  InferenceServerError,
  shapeToString,
  type Tensor,
} from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { BackendRequest } from './backend-request.ts';

/** The fields of a configuration that decide how outputs are shared out. */
export type SplittingConfig = Pick<ModelConfig, 'max_batch_size' | 'output' | 'batch_output'>;

/**
 * Shares batched outputs out: each request gets its rows of every output that it wants, as views on the output's
 * bytes, in one final response. Outputs of a model that does not batch go to its request as they are.
 *
 * Outputs named in `batch_output` (BATCH_SCATTER_WITH_INPUT_SHAPE) are cut by the shape of each request's source
 * input instead of by rows.
 *
 * @param config - The model's configuration. Without it every output is cut along its first dimension.
 * @throws InferenceServerError INTERNAL when an output has fewer rows than the requests have together.
 */
export function splitOutputs(
  requests: readonly BackendRequest[],
  outputs: readonly Tensor[],
  config?: SplittingConfig,
): void {
  const [first] = requests;
  if (first === undefined) return;
  const batches = config === undefined || config.max_batch_size > 0;
  const scattered = config?.batch_output ?? [];
  if (requests.length === 1 && scattered.length === 0) {
    if (batches) for (const output of outputs) assertRows(output, first.batchSize);
    first.send({ outputs: outputs.filter((output) => first.wants(output.name)) });
    return;
  }
  const parts = requests.map((): Tensor[] => []);
  for (const output of outputs) cutOutput(requests, output, { config, parts });
  // Only now, so that a wrong output fails all requests of the batch alike.
  requests.forEach((request, index) => request.send({ outputs: parts[index] ?? [] }));
}

interface CutTarget {
  readonly config: SplittingConfig | undefined;
  /** Outputs so far, per request. */
  readonly parts: readonly Tensor[][];
}

function cutOutput(requests: readonly BackendRequest[], output: Tensor, { config, parts }: CutTarget): void {
  const shapes = shapesOf(requests, output, config);
  let offset = 0;
  requests.forEach((request, index) => {
    const shape = shapes[index] ?? [];
    const end = endOfElements(output, offset, elementCount(shape));
    if (request.wants(output.name)) {
      const { name, datatype } = output;
      parts[index]?.push({ name, datatype, shape, data: output.data.subarray(offset, end) });
    }
    offset = end;
  });
}

/** Shape of each request's part of an output. */
function shapesOf(
  requests: readonly BackendRequest[],
  output: Tensor,
  config: SplittingConfig | undefined,
): readonly (readonly number[])[] {
  const scatter = config?.batch_output.find(({ target_name: targets }) => targets.includes(output.name));
  if (config !== undefined && scatter !== undefined) {
    const [source = ''] = scatter.source_input;
    return requests.map((request) => scatteredShape(request, { output: output.name, source, config }));
  }
  assertRows(
    output,
    requests.reduce((rows, request) => rows + request.batchSize, 0),
  );
  const item = output.shape.slice(1);
  return requests.map((request) => [request.batchSize, ...item]);
}

interface ScatteredOutput {
  readonly output: string;
  readonly source: string;
  readonly config: SplittingConfig;
}

/** The configured shape of the output, its variable dimensions taken from the source input. */
function scatteredShape(request: BackendRequest, { output, source, config }: ScatteredOutput): number[] {
  const dims = config.output.find(({ name }) => name === output)?.dims;
  const input = request.input(source)?.shape;
  const shape = dims && (config.max_batch_size > 0 ? [request.batchSize, ...dims] : dims);
  if (shape?.every((dim, index) => dim >= 0 || input?.[index] !== undefined)) {
    return shape.map((dim, index) => (dim >= 0 ? dim : (input?.[index] ?? 0)));
  }
  throw new InferenceServerError(
    'INTERNAL',
    `batch_output '${output}': expected source input '${source}' to give the variable dimensions of ` +
      `${shapeToString(dims ?? [])}, found ${input === undefined ? 'no such input' : shapeToString(input)}`,
  );
}

function assertRows({ name, shape: [rows] }: Tensor, expected: number): void {
  if (rows !== undefined && rows >= expected) return;
  const found = rows === undefined ? 'a scalar' : String(rows);
  throw new InferenceServerError(
    'INTERNAL',
    `failed to split the output tensor '${name}' in responses: expected batch size of atleast ${expected} in ` +
      `model output, got ${found}`,
  );
}

/** Offset behind that many elements of a tensor. */
function endOfElements({ name, datatype, data }: Tensor, offset: number, count: number): number {
  const size = datatypeByteSize(datatype);
  const end = size > 0 ? offset + count * size : endOfStrings(data, offset, count);
  if (end <= data.byteLength) return end;
  throw new InferenceServerError(
    'INTERNAL',
    `failed to split the output tensor '${name}' in responses: expected at least ${end} bytes, ` +
      `got ${data.byteLength}`,
  );
}

function endOfStrings(data: Uint8Array, offset: number, count: number): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let end = offset;
  for (let element = 0; element < count; element += 1) {
    if (end + 4 > data.byteLength) return end + 4;
    end += 4 + view.getUint32(end, true);
  }
  return end;
}
