import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parsePbtxtWithPositions } from '@nereid/protocol/model-config';
import { knownBackends } from './known-backends.ts';
import { validateCompleteModelConfig } from './validate-model-config.ts';

const BACKENDS = knownBackends([]);
const BATCHED = 'backend: "python" max_batch_size: 4 ';
const SINGLE = 'backend: "python" ';
const X = 'input { name: "X" data_type: TYPE_FP32 dims: -1 } ';

let modelDirectory = '';
before(async () => {
  modelDirectory = await mkdtemp(join(tmpdir(), 'model-'));
  await mkdir(join(modelDirectory, 'warmup'));
  for (const file of ['labels.txt', 'warmup/x']) await writeFile(join(modelDirectory, file), 'text');
});
after(() => rm(modelDirectory, { recursive: true }));

function validate(text: string, gpus: readonly number[] = []): void {
  const { config, positions } = parsePbtxtWithPositions(`name: "m"\n${text}`, { file: 'm/config.pbtxt' });
  const source = { file: 'm/config.pbtxt', positions };
  validateCompleteModelConfig(config, { source, modelDirectory, gpus, backends: BACKENDS });
}

/** A test for each: what is refused, and with which message. */
function refuses(
  table: Readonly<Record<string, readonly [text: string, message: RegExp, code?: string]>>,
): void {
  for (const [name, [text, message, code = 'INVALID_ARG']] of Object.entries(table)) {
    test(`refuses ${name}`, () => assert.throws(() => validate(text), { code, message }));
  }
}

function input(fields: string): string {
  return `input { name: "X" data_type: TYPE_FP32 ${fields} } `;
}

function sample(inputs: string, batchSize = 1): string {
  return `${X} model_warmup { name: "w" batch_size: ${batchSize} ${inputs} } `;
}

function sampleInput(fields: string, name = 'X'): string {
  return `inputs { key: "${name}" value { ${fields} } } `;
}

function state(fields: string, name = 'I'): string {
  return `sequence_batching { state { input_name: "${name}" output_name: "O" data_type: TYPE_FP32 ${fields} } } `;
}

function limited(resources: string): string {
  return `instance_group { name: "g" count: 1 kind: KIND_CPU rate_limiter { resources [ ${resources} ] priority: 0 } } `;
}

const ZEROS = sampleInput('data_type: TYPE_FP32 dims: 2 zero_data: true');

test('accepts good configurations', () => {
  for (const text of [
    SINGLE,
    `${SINGLE}${X}output { name: "X" data_type: TYPE_FP32 dims: 2 label_filename: "labels.txt" }`,
    `${SINGLE}${input('dims: [2, -1, 6] reshape { shape: [1, 2, -1, 2, 3] }')}`,
    `${SINGLE}${input('dims: 1 reshape { shape: 1 }')}`,
    `${BATCHED}${input('dims: 1 reshape { }')}`,
    `${SINGLE}${input('dims: [3, 8, 8] format: FORMAT_NCHW')}`,
    `${BATCHED}${input('dims: -1 allow_ragged_batch: true')} batch_input { kind: BATCH_ELEMENT_COUNT target_name: "N" data_type: TYPE_INT32 source_input: "X" }`,
    `${SINGLE}${sample(ZEROS)}`,
    `${BATCHED}${sample(ZEROS, 4)}`,
    `${SINGLE}${sample('', 0)}`,
    `${SINGLE}${sample(sampleInput('data_type: TYPE_FP32 dims: 2 input_data_file: "x"'))}`,
    `${SINGLE} instance_group { kind: KIND_CPU count: 1 }`,
    `${SINGLE} ${limited('{ name: "s" count: 2 }, { name: "t" count: 1 global: true }')}`,
    `${SINGLE}${X}output { name: "O" data_type: TYPE_FP32 dims: [2, -1] } ${state('dims: [-1, 3]')}`,
  ]) {
    assert.doesNotThrow(() => validate(text), text);
  }
});

test('tells the place of the mistake in the file', () => {
  assert.throws(
    () => validate(`backend: "python"\ninput [\n  { name: "X" data_type: TYPE_FP32 dims: [2, 0] }\n]`),
    {
      message:
        "m/config.pbtxt:4:46: model input 'X' dimension must be integer >= 1, or -1 to indicate a variable-size " +
        'dimension for m, found 0',
    },
  );
});

test('accepts the GPUs that there are, and refuses others', () => {
  assert.doesNotThrow(() => validate(`${SINGLE} instance_group { kind: KIND_GPU count: 1 gpus: 1 }`, [0, 1]));
  assert.throws(
    () => validate(`${SINGLE} instance_group { name: "g" kind: KIND_GPU count: 1 gpus: 2 }`, [0, 1]),
    {
      message: /instance group g of model m specifies invalid or unsupported gpu id 2, .*: 0, 1$/,
    },
  );
});

refuses({
  'what the earlier check refuses': [
    'backend: "python" max_batch_size: -1',
    /'max_batch_size' must be non-negative/,
  ],
  'an input without a name': [`${SINGLE} input { dims: 1 }`, /model input must specify 'name' for m/],
  'an input without a type': [
    `${SINGLE} input { name: "X" dims: 1 }`,
    /model input 'X' must specify 'data_type' for m/,
  ],
  'an output without dims': [
    `${SINGLE} output { name: "Y" data_type: TYPE_FP32 }`,
    /model output 'Y' must specify 'dims' for m/,
  ],
  'an input that is given twice': [`${SINGLE}${X}${X}`, /model input 'X' is specified more than once for m/],
  'a scalar of a model that does not batch': [
    `${SINGLE}${input('dims: 1 reshape { }')}`,
    /model input 'X' cannot have empty reshape for non-batching model/,
  ],
  'a reshape to another number of elements': [
    `${SINGLE}${input('dims: 4 reshape { shape: 3 }')}`,
    /model input 'X' has different size for dims and reshape for m: \[4\] and \[3\]/,
  ],
  'a reshape with other variable dimensions': [
    `${SINGLE}${input('dims: [-1, 2] reshape { shape: [-1, -1] }')}`,
    /different number of variable-size dimensions/,
  ],
  'a reshape that moves elements across a variable dimension': [
    `${SINGLE}${input('dims: [2, -1] reshape { shape: [-1, 2] }')}`,
    /different size for dims and reshape/,
  ],
  'a reshape to 0': [
    `${SINGLE}${input('dims: 4 reshape { shape: 0 }')}`,
    /reshape dimensions must be integer >= 1.*found 0/,
  ],
  'a state whose output has another type': [
    `${SINGLE}output { name: "O" data_type: TYPE_INT32 dims: 1 } ${state('dims: 1')}`,
    /^m\/config.pbtxt:2:131: sequence state output 'O' of m is also an output .* TYPE_INT32, found TYPE_FP32$/,
  ],
  'a state whose output has another shape': [
    `${SINGLE}output { name: "O" data_type: TYPE_FP32 dims: [-1, 2] } ${state('dims: [4, 3]')}`,
    /^m\/config.pbtxt:2:\d+: sequence state output 'O' of m .* must have its dims \[-1,2\], found \[4,3\]$/,
  ],
  'a state that requests bring': [
    `${SINGLE}${X}${state('dims: 1', 'X')}`,
    /^m\/config.pbtxt:2:\d+: sequence state input 'X' can't be listed among the inputs of m/,
  ],
  'a resource that is given twice': [
    `${SINGLE}${limited('{ name: "s" count: 2 }, { name: "s" count: 3 }')}`,
    /^m\/config.pbtxt:2:\d+: instance group g of model m specifies resource 's' more than once/,
  ],
  'a resource without a name': [
    `${SINGLE}${limited('{ count: 1 }')}`,
    /^m\/config.pbtxt:2:\d+: instance group g of model m must specify 'name' of each rate_limiter resource$/,
  ],
  'a resource of which none is needed': [
    `${SINGLE}${limited('{ name: "s" count: 0 }')}`,
    /^m\/config.pbtxt:2:\d+: instance group g of model m must have a count >= 1 of resource 's', found 0/,
  ],
  'a warm-up input that no machine can hold': [
    `${SINGLE}${sample(sampleInput('data_type: TYPE_FP32 dims: [1000000000000] zero_data: true'))}`,
    /^m\/config.pbtxt:2:\d+: warmup sample 'w': inference input 'X' of model 'm' must fit .* is 4000000000000 bytes$/,
  ],
  'an image of two dimensions': [
    `${SINGLE}${input('dims: [8, 8] format: FORMAT_NHWC')}`,
    /NHWC\/NCHW require 3 dims.*found 2/,
  ],
  'a shape tensor': [
    `${SINGLE}${input('dims: 1 is_shape_tensor: true')}`,
    /only supported for TensorRT platform/,
  ],
  'a non-linear format': [
    `${SINGLE}${input('dims: 1 is_non_linear_format_io: true')}`,
    /only supported for the TensorRT platform/,
  ],
  'a ragged input of a model that does not batch': [
    `${SINGLE}${input('dims: -1 allow_ragged_batch: true')}`,
    /'allow_ragged_batch' of model input 'X' needs a 'max_batch_size' of at least 1 for m, found 0/,
  ],
  'a dynamic batcher of a model that does not batch': [
    `${SINGLE} dynamic_batching { }`,
    /dynamic batching needs a 'max_batch_size' of at least 1 for m, found 0/,
  ],
  'labels that are not there': [
    `${SINGLE} output { name: "Y" data_type: TYPE_FP32 dims: 1 label_filename: "absent" }`,
    /failed to open text file for read m\/absent: No such file or directory/,
    'INTERNAL',
  ],
  'labels outside of the folder': [
    `${SINGLE} output { name: "Y" data_type: TYPE_FP32 dims: 1 label_filename: "../x" }`,
    /'\.\.\/x' must be a path within the folder 'm' of model 'm'/,
    'UNSUPPORTED',
  ],
  'labels with an absolute path': [
    `${SINGLE} output { name: "Y" data_type: TYPE_FP32 dims: 1 label_filename: "/labels.txt" }`,
    /must be a path within the folder/,
    'UNSUPPORTED',
  ],
});

refuses({
  'a negative count': [
    `${SINGLE} instance_group { name: "g" kind: KIND_CPU count: -1 }`,
    /instance group g of model m must have a count >= 1, found -1/,
  ],
  'GPUs of a CPU group': [
    `${SINGLE} instance_group { name: "g" kind: KIND_CPU count: 1 gpus: 0 }`,
    /instance group g of model m has kind KIND_CPU but specifies one or more GPUs/,
  ],
  'a GPU group without a GPU': [
    `${SINGLE} instance_group { name: "g" kind: KIND_GPU count: 1 }`,
    /instance group g of model m has kind KIND_GPU but no GPUs are available/,
  ],
  'a profile': [
    `${SINGLE} instance_group { kind: KIND_CPU count: 1 profile: "0" }`,
    /only supported for TensorRT models/,
  ],
  'a batch input of an unknown source': [
    `${BATCHED}${X} batch_input { target_name: "N" data_type: TYPE_INT32 source_input: "NOPE" }`,
    /unknown source input name 'NOPE' for m/,
  ],
  'a batch input of two sources': [
    `${BATCHED}${X} batch_input { target_name: "N" data_type: TYPE_INT32 source_input: ["X", "X"] }`,
    /batch input kind 'BATCH_ELEMENT_COUNT' expects 1 source input, got 2 for m/,
  ],
  'a batch input of another type': [
    `${BATCHED}${X} batch_input { target_name: "N" data_type: TYPE_INT64 source_input: "X" }`,
    /must be TYPE_INT32 or TYPE_FP32 for m, found TYPE_INT64/,
  ],
  'a batch output without its output': [
    `${BATCHED}${X} batch_output { target_name: "Y" source_input: "X" }`,
    /unknown target output name 'Y' for m/,
  ],
  'a warmup sample without a name': [
    `${SINGLE}${X} model_warmup { batch_size: 1 ${ZEROS} }`,
    /warmup sample must specify 'name'/,
  ],
  'a warmup sample that lacks an input': [
    `${SINGLE}${sample('')}`,
    /warmup sample 'w' is missing required input\(s\) \['X'\] for model 'm'/,
  ],
  'a warmup sample with an input too many': [
    `${SINGLE}${sample(ZEROS + sampleInput('zero_data: true', 'Z'))}`,
    /unexpected inference input 'Z' for model 'm', allowed are: X/,
  ],
  'a warmup input of another type': [
    `${SINGLE}${sample(sampleInput('data_type: TYPE_INT32 dims: 2 zero_data: true'))}`,
    /inference input 'X' data-type is 'INT32', but model 'm' expects 'FP32'/,
  ],
  'a warmup input with a variable dimension': [
    `${SINGLE}${sample(sampleInput('data_type: TYPE_FP32 dims: -1 zero_data: true'))}`,
    /must have fixed dimensions, found -1/,
  ],
  'a warmup input of another shape': [
    `${SINGLE}${sample(sampleInput('data_type: TYPE_FP32 dims: [2, 2] zero_data: true'))}`,
    /has shape \[2,2\], but model 'm' expects \[-1\]/,
  ],
  'a warmup input without data': [
    `${SINGLE}${sample(sampleInput('data_type: TYPE_FP32 dims: 2'))}`,
    /must specify 'zero_data', 'random_data' or 'input_data_file'/,
  ],
  'warmup data that are not there': [
    `${SINGLE}${sample(sampleInput('data_type: TYPE_FP32 dims: 2 input_data_file: "y"'))}`,
    /failed to open text file for read m\/warmup\/y/,
    'INTERNAL',
  ],
  'a warmup batch above the maximum': [
    `${BATCHED}${sample(ZEROS, 5)}`,
    /must have a batch size <= 4 for m, found 5/,
  ],
});
