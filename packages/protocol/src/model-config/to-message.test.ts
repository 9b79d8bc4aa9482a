import { fromBinary, toBinary } from '@bufbuild/protobuf';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataType, ModelConfigSchema } from '../gen/model_config_pb.ts';
import { createModelConfig } from './create-model-config.ts';
import { messageToModelConfig, modelConfigToMessage } from './to-message.ts';

const CONFIG = createModelConfig({
  name: 'm',
  input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1, 4], reshape: {} }],
  sequence_batching: { direct: { minimum_slot_utilization: 0.1 }, max_sequence_idle_microseconds: 5 },
  model_warmup: [{ inputs: { X: { zero_data: false } } }],
  parameters: { k: { string_value: 'v' } },
});

test('the message has enums as numbers, 64-bit integers as bigints and oneofs as cases', () => {
  const message = modelConfigToMessage(CONFIG);
  assert.equal(message.input[0]?.dataType, DataType.TYPE_FP32);
  assert.deepEqual(message.input[0].dims, [-1n, 4n]);
  assert.equal(message.schedulingChoice.case, 'sequenceBatching');
  assert.equal(message.parameters['k']?.stringValue, 'v');
  assert.deepEqual(message.modelWarmup[0]?.inputs['X']?.inputDataType, { case: 'zeroData', value: false });
});

test('the message survives the wire and turns back into the same configuration', () => {
  const bytes = toBinary(ModelConfigSchema, modelConfigToMessage(CONFIG));
  assert.deepEqual(messageToModelConfig(fromBinary(ModelConfigSchema, bytes)), CONFIG);
});

test('the greatest 64-bit integer stays in range', () => {
  const config = createModelConfig({ dynamic_batching: { max_queue_delay_microseconds: 2 ** 64 } });
  const message = modelConfigToMessage(config);
  assert.ok(message.schedulingChoice.case === 'dynamicBatching');
  assert.equal(message.schedulingChoice.value.maxQueueDelayMicroseconds, 2n ** 64n - 1n);
});

test('an enum value that the proto lacks is refused', () => {
  const inputOfType99 = Uint8Array.of((5 << 3) | 2, 2, 2 << 3, 99);
  assert.throws(() => messageToModelConfig(fromBinary(ModelConfigSchema, inputOfType99)), {
    code: 'INVALID_ARG',
    message: /^unknown DataType '99'/,
  });
});
