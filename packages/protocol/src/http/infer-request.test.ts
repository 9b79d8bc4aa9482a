import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InferenceServerError } from '../inference-server-error.ts';
import type { InferRequestMessage } from '../infer-message.ts';
import { decodeInferRequest, type DecodeInferRequestOptions } from './infer-request.ts';

const INPUT = { name: 'INPUT0', datatype: 'INT32', shape: [1, 4], data: [1, 2, 3, 4] };

function decode(body: unknown, options: Partial<DecodeInferRequestOptions> = {}): InferRequestMessage {
  const bytes =
    body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return decodeInferRequest(bytes, { modelName: 'm', modelVersion: '', headerLength: undefined, ...options });
}

/** JSON followed by binary data. */
function withBinary(json: unknown, ...chunks: string[]): { body: Uint8Array; headerLength: number } {
  const header = Buffer.from(JSON.stringify(json));
  return {
    body: Buffer.concat([header, ...chunks.map((c) => Buffer.from(c, 'hex'))]),
    headerLength: header.length,
  };
}

function decodeBinary(json: unknown, ...chunks: string[]): InferRequestMessage {
  const { body, headerLength } = withBinary(json, ...chunks);
  return decode(body, { headerLength });
}

function binaryInput(size: unknown, name = 'INPUT0'): object {
  return { name, datatype: 'INT32', shape: [1], parameters: { binary_data_size: size } };
}

/** `CODE: message` of the error. */
function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(InferenceServerError.is(error), String(error));
    return `${error.code}: ${error.message}`;
  }
  return 'no error';
}

const inputError = (change: object): string => errorOf(() => decode({ inputs: [{ ...INPUT, ...change }] }));
const without = (name: string): object => ({
  inputs: [Object.fromEntries(Object.entries(INPUT).filter(([n]) => n !== name))],
});

test('a minimal request', () => {
  assert.deepEqual(decode({ inputs: [INPUT] }), {
    modelName: 'm',
    modelVersion: '',
    id: '',
    inputs: [
      {
        name: 'INPUT0',
        datatype: 'INT32',
        shape: [1, 4],
        data: new Uint8Array([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0]),
      },
    ],
    outputs: [],
    binaryDataOutput: false,
    priority: 0,
    timeoutUs: 0,
    sequence: undefined,
    parameters: undefined,
  });
});

test('id, white space and unknown members', () => {
  assert.equal(decode(`  \n${JSON.stringify({ id: 'ä世"', colour: 'red', inputs: [] })}\n `).id, 'ä世"');
});

test('known parameters are taken out, the others are left to the model', () => {
  const request = decode({
    inputs: [],
    parameters: {
      sequence_id: 5,
      sequence_start: true,
      priority: 2,
      timeout: 100,
      binary_data_output: true,
      s: 'text',
      i: -12,
      b: false,
      d: 0.25,
    },
  });
  assert.deepEqual(request.sequence, { id: 5, start: true, end: false });
  assert.equal(request.priority, 2);
  assert.equal(request.timeoutUs, 100);
  assert.equal(request.binaryDataOutput, true);
  assert.deepEqual({ ...request.parameters }, { s: 'text', i: -12, b: false, d: 0.25 });
});

test('integer parameters beyond 2^53 are exact', () => {
  const request = decode(
    '{"inputs":[],"parameters":{"sequence_id":18446744073709551615,"big":9007199254740993,"huge":18446744073709551615}}',
  );
  assert.equal(request.sequence?.id, 18446744073709551615n);
  assert.equal(request.parameters?.['big'], 9007199254740993n);
  assert.equal(request.parameters?.['huge'], 2 ** 64);
});

test('a sequence id may be a string', () => {
  assert.deepEqual(decode({ inputs: [], parameters: { sequence_id: 'a' } }).sequence, {
    id: 'a',
    start: false,
    end: false,
  });
});

test('requested outputs', () => {
  const outputs = [
    { name: 'A' },
    { name: 'B', parameters: { binary_data: true, classification: 3 } },
    {
      name: 'C',
      parameters: { shared_memory_region: 'r', shared_memory_byte_size: 16, shared_memory_offset: 8 },
    },
  ];
  assert.deepEqual(decode({ inputs: [], outputs }).outputs, [
    { name: 'A', classification: 0, binaryData: false },
    { name: 'B', classification: 3, binaryData: true },
    {
      name: 'C',
      classification: 0,
      binaryData: false,
      sharedMemory: { region: 'r', byteSize: 16, offset: 8 },
    },
  ]);
});

test('binary inputs are views on the body, in the order of the inputs', () => {
  const { body, headerLength } = withBinary(
    { inputs: [binaryInput(4, 'B'), INPUT, binaryInput(4, 'A')] },
    '01020304',
    '05060708',
  );
  const [b, , a] = decode(body, { headerLength }).inputs;
  assert.deepEqual([...(b?.data ?? [])], [1, 2, 3, 4]);
  assert.deepEqual([...(a?.data ?? [])], [5, 6, 7, 8]);
  assert.equal(a?.data?.buffer, body.buffer);
});

test('an input in shared memory', () => {
  const parameters = { shared_memory_region: 'r', shared_memory_byte_size: 16 };
  const [input] = decode({ inputs: [{ name: 'I', datatype: 'FP32', shape: [4], parameters }] }).inputs;
  assert.deepEqual(input, {
    name: 'I',
    datatype: 'FP32',
    shape: [4],
    sharedMemory: { region: 'r', byteSize: 16, offset: 0 },
  });
});

test('a header length of 0, and an empty body, are raw requests', () => {
  const body = Buffer.from([1, 2, 3]);
  const request = decode(body, { headerLength: 0 });
  assert.equal(request.rawInput, body);
  assert.equal(request.binaryDataOutput, true);
  assert.equal(decode('').rawInput?.length, 0);
});

test('malformed JSON and members that are missing or of the wrong type are INTERNAL', () => {
  const missing = (name: string): string =>
    `INTERNAL: Unable to parse '${name}': attempt to access non-existing object member '${name}'`;
  const wrong = (name: string, type: string): string =>
    `INTERNAL: Unable to parse '${name}': attempt to access JSON non-${type} as ${type}`;
  assert.equal(
    errorOf(() => decode('{"inputs": [')),
    'INTERNAL: failed to parse the request JSON buffer: Invalid value. at 12',
  );
  for (const body of [[], '"x"', { id: 'x' }])
    assert.equal(
      errorOf(() => decode(body)),
      missing('inputs'),
    );
  for (const inputs of [{ name: 'I' }, null])
    assert.equal(
      errorOf(() => decode({ inputs })),
      wrong('inputs', 'array'),
    );
  for (const name of ['name', 'datatype', 'shape'])
    assert.equal(
      errorOf(() => decode(without(name))),
      missing(name),
    );
  assert.equal(inputError({ name: 5 }), wrong('name', 'string'));
  assert.equal(inputError({ shape: '1,4' }), wrong('shape', 'array'));
  for (const shape of [
    ['1', '4'],
    [1, 4.5],
    [-1, 4],
  ]) {
    assert.equal(inputError({ shape }), wrong('shape', 'unsigned-integer'));
  }
  for (const data of [5, null]) assert.equal(inputError({ data }), wrong('data', 'array'));
  assert.equal(
    errorOf(() => decode({ id: 42, inputs: [] })),
    wrong('id', 'string'),
  );
  assert.equal(
    errorOf(() => decode({ inputs: [], outputs: 'O' })),
    wrong('outputs', 'array'),
  );
  assert.equal(
    errorOf(() => decode({ inputs: [], outputs: [{}] })),
    missing('name'),
  );
});

test('the datatype must be one', () => {
  for (const datatype of ['INT33', 'int32', 'toString']) {
    assert.equal(inputError({ datatype }), 'INVALID_ARG: invalid datatype for input INPUT0');
  }
});

test('each input has exactly one content', () => {
  const text =
    "INVALID_ARG: Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', " +
    "'shared_memory_region' in 'parameters'. But";
  assert.equal(
    errorOf(() => decode(without('data'))),
    `${text} no field is set`,
  );
  assert.equal(
    errorOf(() => decode({ inputs: [1] })),
    `${text} no field is set`,
  );
  assert.equal(inputError({ parameters: { binary_data_size: 16 } }), `${text} set 'data' 'binary_data_size'`);
  assert.equal(
    inputError({ parameters: { shared_memory_region: 'r' } }),
    `${text} set 'data' 'shared_memory_region'`,
  );
});

test('binary sizes must add up to the body', () => {
  const short = (bytes: number): string =>
    `INVALID_ARG: unexpected size for input 'INPUT0', expecting ${bytes} additional bytes for model 'm'`;
  const leftOver = "INVALID_ARG: unexpected additional input data for model 'm'";
  assert.equal(
    errorOf(() => decodeBinary({ inputs: [binaryInput(16)] }, '01000000')),
    short(12),
  );
  assert.equal(
    errorOf(() => decode({ inputs: [binaryInput(4)] })),
    short(4),
  );
  assert.equal(
    errorOf(() => decodeBinary({ inputs: [binaryInput(4)] }, '0100000000')),
    leftOver,
  );
  assert.equal(
    errorOf(() => decodeBinary({ inputs: [INPUT] }, '00')),
    leftOver,
  );
  for (const size of [-16, '16', 1.5]) {
    assert.equal(
      errorOf(() => decodeBinary({ inputs: [binaryInput(size)] })),
      "INTERNAL: Unable to parse 'binary_data_size': attempt to access JSON non-unsigned-integer as unsigned-integer",
    );
  }
});

test('the header length must lie within the body', () => {
  for (const headerLength of [-5, 100000]) {
    assert.equal(
      errorOf(() => decode('{"inputs":[]}', { headerLength })),
      `INVALID_ARG: inference header size should be in range (0, 13), got: ${headerLength}`,
    );
  }
  const text = JSON.stringify({ inputs: [INPUT] });
  assert.equal(decode(text, { headerLength: text.length }).inputs.length, 1);
});

test('parameters of the wrong kind are refused', () => {
  const problem = (parameters: unknown): string => errorOf(() => decode({ inputs: [], parameters }));
  const unsigned = 'attempt to access JSON non-unsigned-integer as unsigned-integer';
  assert.equal(problem({ priority: 'high' }), `INTERNAL: Unable to parse 'priority': ${unsigned}`);
  assert.equal(problem({ timeout: -1 }), `INTERNAL: Unable to parse 'timeout': ${unsigned}`);
  for (const name of ['sequence_start', 'sequence_end', 'binary_data_output']) {
    assert.equal(
      problem({ [name]: 'yes' }),
      `INTERNAL: Unable to parse '${name}': attempt to access JSON non-boolean as boolean`,
    );
  }
  assert.equal(
    problem({ sequence_id: true }),
    "INTERNAL: Unable to parse 'sequence_id': attempt to access JSON non-string as string",
  );
  for (const a of [[1], { b: 1 }, null]) {
    assert.equal(
      problem({ a }),
      "INVALID_ARG: parameter 'a' has invalid type. It should be either 'int', 'bool', or 'string'.",
    );
  }
  assert.equal(
    problem({ triton_mine: 1 }),
    "INVALID_ARG: parameter keys starting with 'triton_' are reserved for Triton usage and should not be specified.",
  );
  for (const parameters of [5, [], null]) {
    assert.equal(
      problem(parameters),
      'INTERNAL: failed to get request params.: attempt to get members for non-object',
    );
  }
});

test('output parameters of the wrong kind are refused', () => {
  const problem = (parameters: unknown): string =>
    errorOf(() => decode({ inputs: [], outputs: [{ name: 'O', parameters }] }));
  assert.equal(
    problem({ binary_data: 'yes' }),
    "INTERNAL: Unable to parse 'binary_data': attempt to access JSON non-boolean as boolean",
  );
  for (const classification of [-1, '2']) {
    assert.equal(
      problem({ classification }),
      "INTERNAL: Unable to set 'classification': attempt to access JSON non-unsigned-integer as unsigned-integer",
    );
  }
  for (const other of [{ classification: 1 }, { binary_data: true }]) {
    assert.equal(
      problem({ shared_memory_region: 'r', ...other }),
      `INVALID_ARG: Output can't set both 'shared_memory_region' and '${Object.keys(other)[0]}'`,
    );
  }
});

test('the size limit covers JSON, each tensor in it and raw bodies, but not binary data', () => {
  const limit = { maxJsonBytes: 100 };
  assert.match(
    errorOf(() => decode(' '.repeat(101), limit)),
    /^INVALID_ARG: request JSON size of 101 bytes exceeds/,
  );
  assert.match(
    errorOf(() => decode({ inputs: [{ name: 'I', datatype: 'FP64', shape: [13], data: [1] }] }, limit)),
    /^INVALID_ARG: JSON input 'I' has a byte_size \(104 bytes\) that exceeds .* 100 bytes/,
  );
  assert.match(
    errorOf(() => decode(Buffer.alloc(101), { headerLength: 0, ...limit })),
    /^INVALID_ARG: Raw input has a byte_size \(101 bytes\)/,
  );
  const { body, headerLength } = withBinary({ inputs: [binaryInput(200)] }, '00'.repeat(200));
  assert.equal(decode(body, { headerLength, maxJsonBytes: headerLength }).inputs.length, 1);
});

const parameterName = fc.constantFrom(
  'binary_data_size',
  'binary_data',
  'classification',
  'shared_memory_region',
  'shared_memory_offset',
  'sequence_id',
  'priority',
  'custom',
);

test('whatever comes in, the error is one of ours', () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('INT8', 'FP32', 'BYTES', [1], [[2]], 4, -1),
  );
  const tensor = fc.record(
    {
      name: value,
      datatype: value,
      shape: value,
      data: value,
      parameters: fc.dictionary(parameterName, value),
    },
    { requiredKeys: [] },
  );
  const body = fc.record(
    {
      id: value,
      inputs: fc.array(tensor),
      outputs: fc.array(tensor),
      parameters: fc.dictionary(parameterName, value),
    },
    { requiredKeys: ['inputs'] },
  );
  fc.assert(
    fc.property(body, (json) =>
      assert.notEqual(
        errorOf(() => decode(json)),
        '',
      ),
    ),
  );
});
