import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createModelConfig, type ModelConfig } from '@nereid/protocol/model-config';
import { readBackendSettings, readModelParameters, type ParameterSpec } from './model-parameters.ts';

describe('readModelParameters', () => {
  it('reads each kind of value', () => {
    const config = configWith({ count: ' 3', scale: '0.5', on: 'TRUE', off: '0', mode: 'fast', other: 'x' });
    assert.deepEqual(
      readModelParameters(config, {
        count: { type: 'integer' },
        scale: { type: 'number' },
        on: { type: 'boolean' },
        off: { type: 'boolean' },
        mode: { type: 'string', oneOf: ['slow', 'fast'] },
      }),
      { count: 3, scale: 0.5, on: true, off: false, mode: 'fast' },
    );
  });

  it('gives the default, or undefined, where nothing is set', () => {
    const values = readModelParameters(configWith({}), {
      count: { type: 'integer', default: 7 },
      mode: { type: 'string' },
    });
    assert.deepEqual(values, { count: 7, mode: undefined });
  });

  const WRONG: readonly (readonly [ParameterSpec, string, string])[] = [
    [{ type: 'integer', minimum: 0, maximum: 1 }, '2', 'an integer from 0 to 1'],
    [{ type: 'integer', minimum: 0 }, '-1', 'an integer of at least 0'],
    [{ type: 'integer', maximum: 5 }, '6', 'an integer of at most 5'],
    [{ type: 'integer' }, '1.5', 'an integer'],
    [{ type: 'integer' }, '', 'an integer'],
    [{ type: 'number' }, 'ten', 'a number'],
    [{ type: 'number' }, 'Infinity', 'a number'],
    [{ type: 'boolean' }, 'yes', 'true, false, 1 or 0'],
    [{ type: 'string', oneOf: ['a', 'b'] }, 'c', 'one of a, b'],
  ];
  for (const [spec, text, expected] of WRONG) {
    it(`refuses '${text}' for ${expected}`, () => {
      assert.throws(() => readModelParameters(configWith({ key: text }), { key: spec }), {
        code: 'INVALID_ARG',
        message: `model 'm', parameter 'key': expected ${expected}, found '${text}'`,
      });
    });
  }
});

describe('readBackendSettings', () => {
  it('names the backend and the setting', () => {
    const context = { backendName: 'onnxruntime', settings: { 'default-max-batch-size': 'many' } };
    assert.throws(() => readBackendSettings(context, { 'default-max-batch-size': { type: 'integer' } }), {
      message: "backend 'onnxruntime', setting 'default-max-batch-size': expected an integer, found 'many'",
    });
  });
});

function configWith(parameters: Readonly<Record<string, string>>): ModelConfig {
  const entries = Object.entries(parameters).map(([name, value]) => [name, { string_value: value }]);
  return createModelConfig({ name: 'm', parameters: Object.fromEntries(entries) });
}
