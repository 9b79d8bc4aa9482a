/** Every configuration survives each of its four forms. */
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { fromBinary, ScalarType, toBinary } from '@bufbuild/protobuf';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ModelConfigSchema } from '../gen/model_config_pb.ts';
import type { ModelConfig } from '../gen/model-config.ts';
import { parseModelConfigJson } from './parse-json.ts';
import { parsePbtxt } from './parse-pbtxt.ts';
import {
  hasDefault,
  MODEL_CONFIG,
  toModelConfig,
  type PlainMessage,
  type PlainValue,
} from './plain-message.ts';
import { toFloat32 } from './scalar-range.ts';
import { modelConfigToJson } from './to-json.ts';
import { messageToModelConfig, modelConfigToMessage } from './to-message.ts';
import { modelConfigToPbtxt } from './to-pbtxt.ts';

const TEXT = fc.string({ unit: 'binary', maxLength: 8 });

const SCALARS: ReadonlyMap<ScalarType, fc.Arbitrary<PlainValue>> = new Map<
  ScalarType,
  fc.Arbitrary<PlainValue>
>([
  [ScalarType.STRING, TEXT],
  [ScalarType.BOOL, fc.boolean()],
  [ScalarType.INT32, fc.integer()],
  [ScalarType.UINT32, fc.nat()],
  [ScalarType.INT64, fc.maxSafeInteger()],
  [ScalarType.UINT64, fc.maxSafeNat()],
  [ScalarType.FLOAT, fc.float().map(toFloat32)],
  [ScalarType.DOUBLE, fc.double()],
]);

function messages(descriptor: DescMessage): fc.Arbitrary<PlainMessage> {
  const fields = Object.fromEntries(descriptor.fields.map((field) => [field.name, values(field)]));
  const required = descriptor.fields.filter(hasDefault).map((field) => field.name);
  return fc.record(fields, { requiredKeys: required }).map((message) => withOneChoice(descriptor, message));
}

/** Keeps the first member of each oneof only. */
function withOneChoice(descriptor: DescMessage, message: PlainMessage): PlainMessage {
  const surplus = new Set(
    descriptor.oneofs.flatMap((oneof) => oneof.fields.filter((field) => field.name in message).slice(1)),
  );
  return Object.fromEntries(
    descriptor.fields
      .filter((field) => field.name in message && !surplus.has(field))
      .map((field) => [field.name, message[field.name] as PlainValue]),
  );
}

function values(field: DescField): fc.Arbitrary<PlainValue> {
  const element = elements(field);
  if (field.fieldKind === 'list') return fc.array(element, { maxLength: 2 });
  if (field.fieldKind !== 'map') return element;
  const key = field.mapKey === ScalarType.STRING ? TEXT : fc.maxSafeNat().map(String);
  return fc.dictionary(key, element, { maxKeys: 2, noNullPrototype: true });
}

function elements(field: DescField): fc.Arbitrary<PlainValue> {
  if (field.message !== undefined) return messages(field.message);
  if (field.enum !== undefined) return fc.constantFrom(...field.enum.values.map((v) => v.name));
  const scalar = SCALARS.get(field.scalar);
  assert.ok(scalar, `no values for ${field.name}`);
  return scalar;
}

const CONFIGS: fc.Arbitrary<ModelConfig> = messages(MODEL_CONFIG).map(toModelConfig);

function survives(form: (config: ModelConfig) => ModelConfig): void {
  fc.assert(
    fc.property(CONFIGS, (config) => assert.deepEqual(form(config), config)),
    { numRuns: 50 },
  );
}

test('the text format', () => {
  survives((config) => parsePbtxt(modelConfigToPbtxt(config), { file: 'config.pbtxt' }));
});

test('the protobuf message', () => {
  survives((config) =>
    messageToModelConfig(
      fromBinary(ModelConfigSchema, toBinary(ModelConfigSchema, modelConfigToMessage(config))),
    ),
  );
});

test('JSON, which has no negative zero', () => {
  fc.assert(
    fc.property(CONFIGS, (config) => {
      const text = JSON.stringify(modelConfigToJson(config));
      const again = parseModelConfigJson(text, { source: 'config' });
      assert.equal(JSON.stringify(modelConfigToJson(again)), text);
    }),
    { numRuns: 50 },
  );
});
