import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { DATATYPES, type Datatype } from '../datatype.ts';
import { ModelInferRequestSchema } from '../gen/index.ts';
import type { InferRequestMessage, Parameters } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { decodeModelInferRequest, encodeModelInferRequest, requestIdOf } from './infer-request.ts';

type Request = Omit<MessageInitShape<typeof ModelInferRequestSchema>, '$typeName'>;

const FOUR = Buffer.from(Int32Array.of(1, 2, 3, 4).buffer);
const INPUT = { name: 'INPUT0', datatype: 'INT32', shape: [1n, 4n] };
const shared = (offset?: bigint) => ({
  shared_memory_region: string('r'),
  shared_memory_byte_size: int64(16n),
  ...(offset === undefined ? {} : { shared_memory_offset: int64(offset) }),
});

const string = (value: string) => ({ parameterChoice: { case: 'stringParam' as const, value } });
const int64 = (value: bigint) => ({ parameterChoice: { case: 'int64Param' as const, value } });
const uint64 = (value: bigint) => ({ parameterChoice: { case: 'uint64Param' as const, value } });
const bool = (value: boolean) => ({ parameterChoice: { case: 'boolParam' as const, value } });
const double = (value: number) => ({ parameterChoice: { case: 'doubleParam' as const, value } });

function bytesOf(request: Request): Uint8Array {
  return toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, request));
}

function decode(request: Request): InferRequestMessage {
  return decodeModelInferRequest(bytesOf(request));
}

function refuses(request: Request, message: string): void {
  assert.throws(
    () => decode(request),
    (error) => {
      assert.ok(InferenceServerError.is(error));
      assert.deepEqual([error.code, error.message], ['INVALID_ARG', message]);
      return true;
    },
  );
}

const EMPTY: InferRequestMessage = {
  modelName: '',
  modelVersion: '',
  id: '',
  inputs: [],
  outputs: [],
  binaryDataOutput: false,
  priority: 0,
  timeoutUs: 0,
  sequence: undefined,
  parameters: undefined,
  enableEmptyFinalResponse: false,
};

test('no bytes are an empty request', () => {
  assert.deepEqual(decodeModelInferRequest(new Uint8Array(0)), EMPTY);
});

test('raw contents become views of the message', () => {
  const bytes = bytesOf({
    modelName: 'addsub',
    modelVersion: '1',
    id: 'g-1',
    inputs: [INPUT],
    rawInputContents: [FOUR],
  });
  const request = decodeModelInferRequest(bytes);
  assert.deepEqual(request, {
    ...EMPTY,
    modelName: 'addsub',
    modelVersion: '1',
    id: 'g-1',
    inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [1, 4], data: new Uint8Array(FOUR) }],
  });
  assert.equal(request.inputs[0]?.data?.buffer, bytes.buffer);
});

test('typed contents become bytes', () => {
  const request = decode({ inputs: [{ ...INPUT, contents: { intContents: [1, 2, 3, 4] } }] });
  assert.deepEqual([...(request.inputs[0]?.data ?? [])], [...FOUR]);
});

test('negative dimensions and dimensions that are not packed are read as they are', () => {
  assert.deepEqual(
    decode({ inputs: [{ ...INPUT, shape: [-1n, 4n] }], rawInputContents: [FOUR] }).inputs[0]?.shape,
    [-1, 4],
  );
  const unpacked = Buffer.from(
    '2a0b' + '1205' + Buffer.from('INT32').toString('hex') + '18011804' + '3a00',
    'hex',
  );
  assert.deepEqual(decodeModelInferRequest(unpacked).inputs[0]?.shape, [1, 4]);
});

test('inputs in shared memory take no raw contents', () => {
  const { inputs } = decode({
    inputs: [
      { ...INPUT, name: 'A', parameters: shared(32n) },
      { ...INPUT, name: 'B' },
    ],
    rawInputContents: [FOUR],
  });
  assert.deepEqual(inputs, [
    { name: 'A', datatype: 'INT32', shape: [1, 4], sharedMemory: { region: 'r', byteSize: 16, offset: 32 } },
    { name: 'B', datatype: 'INT32', shape: [1, 4], data: new Uint8Array(FOUR) },
  ]);
});

test('surplus raw contents are ignored', () => {
  assert.equal(decode({ inputs: [INPUT], rawInputContents: [FOUR, FOUR] }).inputs.length, 1);
});

test('requested outputs keep their classification and their region', () => {
  const { outputs } = decode({
    outputs: [
      { name: 'A' },
      { name: 'B', parameters: { classification: int64(3n) } },
      { name: 'C', parameters: shared() },
    ],
  });
  assert.deepEqual(outputs, [
    { name: 'A', classification: 0, binaryData: false },
    { name: 'B', classification: 3, binaryData: false },
    {
      name: 'C',
      classification: 0,
      binaryData: false,
      sharedMemory: { region: 'r', byteSize: 16, offset: 0 },
    },
  ]);
});

test('known parameters are taken out, the rest stays', () => {
  const request = decode({
    parameters: {
      sequence_id: int64(5n),
      sequence_start: bool(true),
      priority: uint64(2n),
      timeout: int64(1000n),
      triton_enable_empty_final_response: bool(true),
      a: string('x'),
      b: double(0.5),
      c: int64(2n ** 60n),
      d: bool(false),
    },
  });
  assert.deepEqual(request, {
    ...EMPTY,
    sequence: { id: 5, start: true, end: false },
    priority: 2,
    timeoutUs: 1000,
    enableEmptyFinalResponse: true,
    parameters: { a: 'x', b: 0.5, c: 2n ** 60n, d: false },
  });
});

test('a sequence may have a string id; a negative one is taken as unsigned', () => {
  assert.equal(decode({ parameters: { sequence_id: string('s') } }).sequence?.id, 's');
  assert.equal(decode({ parameters: { sequence_id: int64(-1n) } }).sequence?.id, 2n ** 64n - 1n);
});

test('the last of a repeated field counts', () => {
  const twice = Buffer.concat([bytesOf({ modelName: 'a' }), bytesOf({ modelName: 'b' })]);
  assert.equal(decodeModelInferRequest(twice).modelName, 'b');
});

test('unknown fields are passed over', () => {
  assert.equal(decodeModelInferRequest(Buffer.from('aa06017a' + '0a0161', 'hex')).modelName, 'a');
});

const BAD_KINDS: readonly (readonly [string, Request['parameters'] & object, string])[] = [
  ['sequence_id', { sequence_id: bool(true) }, 'expected int64_param or string_param.'],
  ['sequence_start', { sequence_start: int64(1n) }, 'expected bool_param.'],
  ['sequence_end', { sequence_end: string('true') }, 'expected bool_param.'],
  ['priority', { priority: string('x') }, 'expected int64_param or uint64_param.'],
  ['timeout', { timeout: string('x') }, 'expected int64_param.'],
  [
    'triton_enable_empty_final_response',
    { triton_enable_empty_final_response: int64(1n) },
    'expected bool_param.',
  ],
  ['mine', { mine: uint64(1n) }, 'expected int64_param, bool_param, or string_param.'],
  ['mine', { mine: {} }, 'expected int64_param, bool_param, or string_param.'],
];

for (const [name, parameters, expected] of BAD_KINDS) {
  test(`refuses parameter '${name}' of a wrong kind: ${expected}`, () => {
    refuses({ parameters }, `invalid value type for '${name}' parameter, ${expected}`);
  });
}

test('refuses a negative priority and reserved names', () => {
  refuses({ parameters: { priority: int64(-1n) } }, "invalid value for 'priority', expected value >= 0.");
  refuses(
    { parameters: { triton_x: bool(true) } },
    "parameter keys starting with 'triton_' are reserved for Triton usage. Only the following keys starting with 'triton_' are allowed: triton_enable_empty_final_response",
  );
});

test('refuses inputs whose data are missing or given twice', () => {
  const modelName = 'addsub';
  const typed = { intContents: [1] };
  refuses(
    { modelName, inputs: [INPUT] },
    "unable to find data for input tensor 'INPUT0' for model 'addsub' in request.",
  );
  refuses(
    { modelName, inputs: [{ ...INPUT, contents: typed }], rawInputContents: [FOUR] },
    "contents field must not be specified when using raw_input_contents for 'INPUT0' for model 'addsub'",
  );
  refuses(
    { modelName, inputs: [{ ...INPUT, contents: typed, parameters: shared() }] },
    "unexpected 'content' provided when using shared memory for input tensor 'INPUT0' for model 'addsub'",
  );
});

test('refuses a datatype that does not exist', () => {
  for (const datatype of ['INT99', '', 'int32', 'TYPE_INT32']) {
    refuses(
      { modelName: 'addsub', inputs: [{ ...INPUT, datatype }], rawInputContents: [FOUR] },
      "[request id: <id_unknown>] inference input 'INPUT0' data-type is '<invalid>' for model 'addsub'",
    );
  }
});

test('refuses bad shared memory parameters', () => {
  const refusesShared = (parameters: Request['parameters'] & object, message: string) => {
    refuses({ inputs: [{ ...INPUT, parameters }] }, message);
    refuses({ outputs: [{ name: 'INPUT0', parameters }] }, message);
  };
  refusesShared(
    { shared_memory_byte_size: int64(1n) },
    "'shared_memory_byte_size' can not be specified without 'shared_memory_region' parameter for tensor 'INPUT0'",
  );
  refusesShared(
    { shared_memory_offset: int64(1n) },
    "'shared_memory_offset' can not be specified without 'shared_memory_region' parameter for tensor 'INPUT0'",
  );
  refusesShared(
    { shared_memory_region: string('r') },
    "'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter for tensor 'INPUT0'",
  );
  refusesShared(
    { ...shared(), shared_memory_byte_size: string('16') },
    "invalid value type for 'shared_memory_byte_size' parameter for tensor 'INPUT0', expected int64_param.",
  );
  refusesShared(
    { ...shared(), shared_memory_region: int64(1n) },
    "invalid value type for 'shared_memory_region' parameter for tensor 'INPUT0', expected string_param.",
  );
});

test('refuses bad classification parameters', () => {
  const output = (parameters: Request['parameters'] & object) => ({ outputs: [{ name: 'A', parameters }] });
  for (const count of [0n, -2n]) {
    refuses(
      output({ classification: int64(count) }),
      "invalid value for 'classification' parameter, expected >= 0",
    );
  }
  refuses(
    output({ classification: string('2') }),
    "invalid value type for 'classification' parameter, expected int64_param",
  );
  refuses(
    output({ ...shared(), classification: int64(2n) }),
    "output can't set both 'shared_memory_region' and 'classification'",
  );
});

test('bytes that are no request are refused as Triton refuses them', () => {
  assert.throws(
    () => decodeModelInferRequest(Buffer.from('ffffffffff', 'hex')),
    (error) =>
      InferenceServerError.is(error) &&
      error.code === 'INTERNAL' &&
      error.message === 'Unable to parse request',
  );
});

test('any bytes decode or throw an InferenceServerError', () => {
  const valid = bytesOf({
    modelName: 'm',
    parameters: { a: double(1.5), b: string('x') },
    inputs: [{ ...INPUT, contents: { intContents: [1, -2] } }],
    outputs: [{ name: 'O', parameters: shared() }],
  });
  const damaged = fc
    .tuple(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length))
    .map(([at, byte, end]) =>
      Uint8Array.from(valid)
        .fill(byte, at, at + 1)
        .subarray(0, end),
    );
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), damaged), (bytes) => {
      requestIdOf(bytes);
      try {
        decodeModelInferRequest(bytes);
      } catch (error) {
        assert.ok(InferenceServerError.is(error), String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('the id of a request that cannot be decoded is found', () => {
  const bytes = bytesOf({ id: 'x', inputs: [INPUT] });
  assert.equal(requestIdOf(bytes), 'x');
  assert.equal(requestIdOf(Buffer.concat([bytes, Buffer.from('ff', 'hex')])), 'x');
  assert.equal(requestIdOf(Buffer.from('ff', 'hex')), '');
});

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const dimension = fc.oneof(fc.nat(300), fc.maxSafeInteger());
const region = fc.record({ region: text, byteSize: fc.nat(), offset: fc.nat() }, { noNullPrototype: true });
const tensor = {
  name: text,
  datatype: fc.constantFrom<Datatype>(...DATATYPES),
  shape: fc.array(dimension, { maxLength: 4 }),
};
const input = fc.oneof(
  fc.record({ ...tensor, data: fc.uint8Array({ maxLength: 300 }) }, { noNullPrototype: true }),
  fc.record({ ...tensor, sharedMemory: region }, { noNullPrototype: true }),
);
const output = fc.oneof(
  fc.record(
    { name: text, classification: fc.nat(9), binaryData: fc.constant(false) },
    { noNullPrototype: true },
  ),
  fc.record(
    { name: text, classification: fc.constant(0), binaryData: fc.constant(false), sharedMemory: region },
    { noNullPrototype: true },
  ),
);
const value = fc.oneof(
  fc.boolean(),
  text,
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }).filter((number) => !Object.is(number, -0)),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
);
const parameters: fc.Arbitrary<Parameters | undefined> = fc.oneof(
  fc.constant(undefined),
  fc
    .array(
      fc.tuple(
        text.map((name) => `x${name}`),
        value,
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map((entries) => Object.fromEntries(entries)),
);
const sequence = fc.option(
  fc.record(
    {
      id: fc.oneof(fc.nat(), text, fc.bigInt({ min: 2n ** 63n, max: 2n ** 64n - 1n })),
      start: fc.boolean(),
      end: fc.boolean(),
    },
    { noNullPrototype: true },
  ),
  { nil: undefined },
);

test('an encoded request decodes to itself, and means the same to generated code', () => {
  const request: fc.Arbitrary<InferRequestMessage> = fc.record(
    {
      modelName: text,
      modelVersion: text,
      id: text,
      inputs: fc.array(input, { maxLength: 3 }),
      outputs: fc.array(output, { maxLength: 3 }),
      binaryDataOutput: fc.constant(false),
      priority: fc.nat(),
      timeoutUs: fc.nat(),
      sequence,
      parameters,
      enableEmptyFinalResponse: fc.boolean(),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(request, (message) => {
      const bytes = new Uint8Array(encodeModelInferRequest(message));
      assert.deepEqual(decodeModelInferRequest(bytes), message);
      const generated = fromBinary(ModelInferRequestSchema, bytes);
      assert.equal(generated.$unknown, undefined);
      assert.deepEqual(decodeModelInferRequest(toBinary(ModelInferRequestSchema, generated)), message);
    }),
    { numRuns: 300 },
  );
});
