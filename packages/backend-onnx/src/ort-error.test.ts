import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InferenceServerError } from '@nereid/backend-sdk';
import { fromOrtError } from './ort-error.ts';

describe('fromOrtError', () => {
  const MESSAGES = {
    'Load model from m.onnx failed:Protobuf parsing failed.': 7,
    "Load model from m.onnx failed:Load model m.onnx failed. File doesn't exist": 3,
    'Got invalid dimensions for input: X for the following indices': 2,
    'Load model from m.onnx failed:model.cc:187 ModelProto does not have a graph.': 1,
  };
  for (const [message, number] of Object.entries(MESSAGES)) {
    it(`gives "${message.slice(-40)}" the number ${number}`, () => {
      const error = fromOrtError(new Error(message));
      assert.deepEqual([error.code, error.message], ['INTERNAL', `onnx runtime error ${number}: ${message}`]);
    });
  }

  it('leaves our own errors as they are', () => {
    const error = new InferenceServerError('INVALID_ARG', 'wrong');
    assert.equal(fromOrtError(error), error);
  });
});
