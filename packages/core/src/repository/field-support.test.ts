import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePbtxtWithPositions } from '@nereid/protocol/model-config';
import { FIELD_SUPPORT, findFieldSupport } from './field-support.ts';
import { knownBackends } from './known-backends.ts';
import { validateCompleteModelConfig } from './validate-model-config.ts';

const STATE =
  'input_name: "I" output_name: "O" data_type: TYPE_FP32 dims: 1 use_same_buffer_for_input_output: true';
const TENSOR = 'name: "X" data_type: TYPE_FP32 dims: 1';

/** A configuration that sets each refused field, so that nothing is called refused that loads. */
const REFUSED: Readonly<Record<string, string>> = {
  'input.is_shape_tensor': `input { ${TENSOR} is_shape_tensor: true }`,
  'input.is_non_linear_format_io': `input { ${TENSOR} is_non_linear_format_io: true }`,
  'output.is_shape_tensor': `output { ${TENSOR} is_shape_tensor: true }`,
  'output.is_non_linear_format_io': `output { ${TENSOR} is_non_linear_format_io: true }`,
  'sequence_batching.state.use_growable_memory': `sequence_batching { state { ${STATE} use_growable_memory: true } }`,
  'instance_group.profile': 'instance_group { count: 1 kind: KIND_CPU profile: "1" }',
};
/** Refused by the ONNX backend when it makes a session. */
const REFUSED_BY_BACKEND = ['optimization.execution_accelerators.cpu_execution_accelerator.name'];

function validate(text: string): void {
  const file = 'm/config.pbtxt';
  const base = text.includes('instance_group') ? '' : 'instance_group { count: 1 kind: KIND_CPU } ';
  const config = `name: "m" backend: "identity" max_batch_size: 2 ${base}${text}`;
  const { config: parsed, positions } = parsePbtxtWithPositions(config, { file });
  const backends = knownBackends([{ name: 'identity' }]);
  validateCompleteModelConfig(parsed, {
    source: { file, positions },
    modelDirectory: '.',
    gpus: [],
    backends,
  });
}

test('a configuration without a refused field passes', () => {
  assert.doesNotThrow(() => validate(`input { ${TENSOR} } sequence_batching { state { ${STATE} } }`));
});

for (const [path, text] of Object.entries(REFUSED)) {
  test(`${path} is refused`, () => {
    assert.throws(() => validate(text), { code: 'INVALID_ARG' });
    assert.equal(findFieldSupport(path)?.status, 'refused');
  });
}

test('every refused field is tried', () => {
  const refused = [...FIELD_SUPPORT].filter(([, { status }]) => status === 'refused').map(([path]) => path);
  assert.deepEqual(refused.sort(), [...Object.keys(REFUSED), ...REFUSED_BY_BACKEND].sort());
});

test('a row for all fields below stands for those that have none', () => {
  assert.equal(findFieldSupport('optimization.cuda.graphs')?.status, 'ignored');
  assert.equal(findFieldSupport('instance_group.no_such_field'), undefined);
});
