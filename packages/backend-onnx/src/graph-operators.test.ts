import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { hasNothingToFuse } from './graph-operators.ts';

const MODELS = join(import.meta.dirname, '../test/models');

function fileOf(model: string): Uint8Array {
  return readFileSync(join(MODELS, model, '1/model.onnx'));
}

/** A field of bytes; all are shorter than 128. */
function field(number: number, value: Uint8Array | string): Uint8Array {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
}

/** A model of one node: in `onnx.proto` 7 is a model's graph, 1 a graph's node, 4 and 7 its operator and domain. */
function modelOf(operator: string, domain: string): Uint8Array {
  return field(7, field(1, Buffer.concat([field(4, operator), field(7, domain)])));
}

describe('hasNothingToFuse', () => {
  for (const model of ['add_sub', 'double_scalar', 'identity_bytes', 'sequence_sum'])
    it(`finds nothing in ${model}`, () => assert.equal(hasNothingToFuse(fileOf(model)), true));

  for (const model of ['pick', 'ragged', 'row_sum', 'transpose'])
    it(`leaves ${model} to the library`, () => assert.equal(hasNothingToFuse(fileOf(model)), false));

  it('knows an operator by its domain, too', () => {
    assert.equal(hasNothingToFuse(modelOf('Add', '')), true);
    assert.equal(hasNothingToFuse(modelOf('Add', 'com.example')), false);
    assert.equal(hasNothingToFuse(modelOf('TreeEnsembleRegressor', 'ai.onnx.ml')), true);
    assert.equal(hasNothingToFuse(modelOf('MatMul', '')), false);
  });

  it('passes over fields of all types', () => {
    const others = Buffer.from([8, 0x96, 1, 17, 0, 0, 0, 0, 0, 0, 0, 0, 29, 0, 0, 0, 0]);
    assert.equal(hasNothingToFuse(Buffer.concat([others, modelOf('Add', '')])), true);
  });

  it('finds no model in what is none', () => {
    const whole = fileOf('add_sub');
    for (let length = 0; length < whole.length; length += 1)
      assert.doesNotThrow(() => hasNothingToFuse(whole.subarray(0, length)));
    assert.equal(hasNothingToFuse(whole.subarray(0, whole.length - 1)), false);
    assert.equal(hasNothingToFuse(Buffer.from('this is no ONNX model')), false);
    assert.equal(hasNothingToFuse(new Uint8Array()), false);
  });
});
