import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { identityModel, makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

/** A request that must be refused. */
interface BadRequest {
  readonly name: string;
  readonly path: string;
  /** Default: POST */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  readonly error: RegExp;
}

const INFER = '/v2/models/add_sub/infer';
const A = { name: 'A', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] };
const B = { name: 'B', shape: [1, 4], datatype: 'FP32', data: [1, 1, 1, 1] };
const BINARY_A = { name: 'A', shape: [1, 4], datatype: 'FP32', parameters: { binary_data_size: 16 } };

/** A request to add_sub whose input A has these members besides or instead. */
function withA(members: Readonly<Record<string, unknown>>): unknown {
  return { inputs: [{ ...A, ...members }, B] };
}

/** A request to add_sub with these members beside its inputs. */
function withMembers(members: Readonly<Record<string, unknown>>): unknown {
  return { inputs: [A, B], ...members };
}

function without(member: string): unknown {
  return { inputs: [Object.fromEntries(Object.entries(A).filter(([name]) => name !== member)), B] };
}

function identity(
  datatype: string,
  data: unknown,
  shape: readonly number[] = [1, 1],
): Pick<BadRequest, 'path' | 'body'> {
  return {
    path: `/v2/models/identity_${datatype.toLowerCase()}/infer`,
    body: { inputs: [{ name: 'X', shape, datatype, data }] },
  };
}

/** JSON followed by bytes, with the header that says where they begin. */
function binary(json: unknown, bytes: number, headerLength?: string): Pick<BadRequest, 'body' | 'headers'> {
  const head = Buffer.from(JSON.stringify(json));
  return {
    body: Buffer.concat([head, Buffer.alloc(bytes)]),
    headers: { 'Inference-Header-Content-Length': headerLength ?? String(head.length) },
  };
}

const ROUTES: readonly BadRequest[] = [
  { name: 'an unknown path', method: 'GET', path: '/v2/nothing', status: 404, error: /./ },
  { name: 'a slash at the end', method: 'GET', path: '/v2/', status: 404, error: /./ },
  {
    name: 'a version that is no number',
    method: 'GET',
    path: '/v2/models/add_sub/versions/x',
    status: 404,
    error: /./,
  },
  { name: 'a wrong method', path: '/v2/health/live', status: 405, error: /./ },
  { name: 'GET of infer', method: 'GET', path: INFER, status: 405, error: /./ },
  { name: 'GET of the index', method: 'GET', path: '/v2/repository/index', status: 405, error: /./ },
  {
    name: 'an unknown model',
    path: '/v2/models/nobody/infer',
    body: withA({}),
    status: 404,
    error: /unknown model: 'nobody'/,
  },
  {
    name: 'an unknown version',
    path: '/v2/models/add_sub/versions/9/infer',
    body: withA({}),
    status: 404,
    error: /version 9/,
  },
  {
    name: 'metadata of an unknown model',
    method: 'GET',
    path: '/v2/models/nobody',
    status: 404,
    error: /nobody/,
  },
  {
    name: 'configuration of an unknown model',
    method: 'GET',
    path: '/v2/models/nobody/config',
    status: 404,
    error: /nobody/,
  },
  {
    name: 'statistics of an unknown model',
    method: 'GET',
    path: '/v2/models/nobody/stats',
    status: 400,
    error: /nobody/,
  },
];

const BODIES: readonly BadRequest[] = [
  { name: 'no body', path: INFER, status: 400, error: /add_sub/ },
  {
    name: 'half a JSON text',
    path: INFER,
    body: '{"inputs": [',
    status: 500,
    error: /failed to parse the request JSON/,
  },
  { name: 'a list', path: INFER, body: '[]', status: 500, error: /./ },
  { name: 'bytes that are no text', path: INFER, body: Buffer.of(0xff, 0xfe, 0x00), status: 500, error: /./ },
  { name: 'no inputs member', path: INFER, body: {}, status: 500, error: /inputs/ },
  { name: 'inputs that are no list', path: INFER, body: { inputs: {} }, status: 500, error: /inputs/ },
  {
    name: 'an input that is no object',
    path: INFER,
    body: { inputs: [1] },
    status: 400,
    error: /Input must set/,
  },
  {
    name: 'nesting without end',
    path: INFER,
    body: `{"inputs":${'['.repeat(100_000)}`,
    status: 400,
    error: /nesting depth/,
  },
  { name: 'an id that is no text', path: INFER, body: withMembers({ id: 7 }), status: 500, error: /id/ },
  {
    name: 'outputs that are no list',
    path: INFER,
    body: withMembers({ outputs: 'SUM' }),
    status: 500,
    error: /outputs/,
  },
  {
    name: 'an unsupported encoding',
    path: INFER,
    headers: { 'Content-Encoding': 'br' },
    body: withA({}),
    status: 501,
    error: /Unsupported compression type/,
  },
  {
    name: 'gzip that is none',
    path: INFER,
    headers: { 'Content-Encoding': 'gzip' },
    body: 'not gzip',
    status: 400,
    error: /./,
  },
  {
    name: 'gzip that is cut off',
    path: INFER,
    headers: { 'Content-Encoding': 'gzip' },
    body: gzipSync(JSON.stringify(withA({}))).subarray(0, 40),
    status: 400,
    error: /./,
  },
  {
    name: 'a short body that unpacks to 128 MiB',
    path: INFER,
    headers: { 'Content-Encoding': 'gzip' },
    body: gzipSync(Buffer.alloc(1 << 27)),
    status: 400,
    error: /./,
  },
];

const TENSORS: readonly BadRequest[] = [
  { name: 'no name', path: INFER, body: without('name'), status: 500, error: /name/ },
  { name: 'no shape', path: INFER, body: without('shape'), status: 500, error: /shape/ },
  { name: 'no datatype', path: INFER, body: without('datatype'), status: 500, error: /datatype/ },
  { name: 'no data', path: INFER, body: without('data'), status: 400, error: /no field is set/ },
  {
    name: 'an unknown input',
    path: INFER,
    body: { inputs: [{ ...A, name: 'Z' }, B] },
    status: 400,
    error: /unexpected inference input 'Z'/,
  },
  {
    name: 'a missing input',
    path: INFER,
    body: { inputs: [A] },
    status: 400,
    error: /expected 2 inputs but got 1/,
  },
  { name: 'no inputs at all', path: INFER, body: { inputs: [] }, status: 400, error: /add_sub/ },
  { name: 'an input given twice', path: INFER, body: { inputs: [A, A] }, status: 400, error: /A/ },
  { name: 'an unknown datatype', path: INFER, body: withA({ datatype: 'FP31' }), status: 400, error: /./ },
  {
    name: 'a wrong datatype',
    path: INFER,
    body: withA({ datatype: 'INT32' }),
    status: 400,
    error: /INT32.*FP32/,
  },
  { name: 'a wrong rank', path: INFER, body: withA({ shape: [4] }), status: 400, error: /add_sub|A/ },
  {
    name: 'a wrong dimension',
    path: INFER,
    body: withA({ shape: [1, 5], data: [1, 2, 3, 4, 5] }),
    status: 400,
    error: /unexpected shape for input 'A'/,
  },
  { name: 'a negative dimension', path: INFER, body: withA({ shape: [-1, 4] }), status: 500, error: /shape/ },
  {
    name: 'a dimension of no integer',
    path: INFER,
    body: withA({ shape: [1.5, 4] }),
    status: 500,
    error: /shape/,
  },
  { name: 'a shape of texts', path: INFER, body: withA({ shape: ['1', '4'] }), status: 500, error: /shape/ },
  {
    name: 'a shape beyond all memory',
    path: INFER,
    body: withA({ shape: [4294967296, 4294967296, 4294967296] }),
    status: 400,
    error: /./,
  },
  { name: 'too few elements', path: INFER, body: withA({ data: [1, 2, 3] }), status: 500, error: /shape/ },
  {
    name: 'too many elements',
    path: INFER,
    body: withA({ data: [1, 2, 3, 4, 5] }),
    status: 500,
    error: /shape/,
  },
  {
    name: 'elements that are no numbers',
    path: INFER,
    body: withA({ data: ['1', '2', '3', '4'] }),
    status: 500,
    error: /./,
  },
  { name: 'data that is no list', path: INFER, body: withA({ data: 'much' }), status: 500, error: /./ },
  {
    name: 'data nested without end',
    path: INFER,
    body: `{"inputs":[{"name":"A","shape":[1,4],"datatype":"FP32","data":${'['.repeat(500)}1${']'.repeat(500)}}]}`,
    status: 400,
    error: /./,
  },
  {
    name: 'a batch beyond the largest',
    path: INFER,
    body: withA({ shape: [9, 4], data: new Array(36).fill(0) }),
    status: 400,
    error: /batch/,
  },
  {
    name: 'batches that differ',
    path: INFER,
    body: withA({ shape: [2, 4], data: new Array(8).fill(0) }),
    status: 400,
    error: /batch size does not match/,
  },
  { name: 'a number for BOOL', ...identity('BOOL', [1]), status: 500, error: /./ },
  { name: 'a fraction for INT32', ...identity('INT32', [1.5]), status: 500, error: /./ },
  { name: 'a negative number for UINT8', ...identity('UINT8', [-1]), status: 500, error: /./ },
  { name: 'a number for BYTES', ...identity('BYTES', [1]), status: 500, error: /./ },
  { name: 'FP16 in JSON', ...identity('FP16', [1]), status: 400, error: /FP16/ },
];

const BINARY: readonly BadRequest[] = [
  {
    name: 'a header length that is no number',
    path: INFER,
    ...binary({ inputs: [BINARY_A, B] }, 16, 'many'),
    status: 400,
    error: /./,
  },
  {
    name: 'a negative header length',
    path: INFER,
    ...binary({ inputs: [BINARY_A, B] }, 16, '-5'),
    status: 400,
    error: /./,
  },
  {
    name: 'a header length beyond the body',
    path: INFER,
    ...binary({ inputs: [BINARY_A, B] }, 16, '99999'),
    status: 400,
    error: /header/,
  },
  {
    name: 'bytes that are missing',
    path: INFER,
    ...binary({ inputs: [BINARY_A, B] }, 12),
    status: 400,
    error: /A/,
  },
  {
    name: 'bytes too many',
    path: INFER,
    ...binary({ inputs: [BINARY_A, B] }, 20),
    status: 400,
    error: /additional/,
  },
  {
    name: 'a size that does not fit the shape',
    path: INFER,
    ...binary({ inputs: [{ ...BINARY_A, parameters: { binary_data_size: 12 } }, B] }, 12),
    status: 400,
    error: /A/,
  },
  {
    name: 'a size that is no number',
    path: INFER,
    ...binary({ inputs: [{ ...BINARY_A, parameters: { binary_data_size: '16' } }, B] }, 16),
    status: 500,
    error: /binary_data_size/,
  },
  {
    name: 'data and bytes',
    path: INFER,
    ...binary({ inputs: [{ ...A, ...BINARY_A }, B] }, 16),
    status: 400,
    error: /only one of/,
  },
  {
    name: 'BYTES whose lengths lie',
    path: '/v2/models/identity_bytes/infer',
    ...binary(
      { inputs: [{ name: 'X', shape: [1, 1], datatype: 'BYTES', parameters: { binary_data_size: 6 } }] },
      6,
    ),
    status: 400,
    error: /X/,
  },
  {
    name: 'a raw request to a model of two inputs',
    path: INFER,
    ...binary({}, 0, '0'),
    status: 400,
    error: /./,
  },
];

const PARAMETERS: readonly BadRequest[] = [
  {
    name: 'parameters that are no object',
    path: INFER,
    body: withMembers({ parameters: 'all' }),
    status: 500,
    error: /./,
  },
  {
    name: 'a parameter that is a list',
    path: INFER,
    body: withMembers({ parameters: { p: [1] } }),
    status: 400,
    error: /p/,
  },
  {
    name: 'a reserved parameter',
    path: INFER,
    body: withMembers({ parameters: { triton_x: 1 } }),
    status: 400,
    error: /triton_/,
  },
  {
    name: 'a priority that is no number',
    path: INFER,
    body: withMembers({ parameters: { priority: 'high' } }),
    status: 500,
    error: /priority/,
  },
  {
    name: 'a timeout that is no number',
    path: INFER,
    body: withMembers({ parameters: { timeout: true } }),
    status: 500,
    error: /timeout/,
  },
  {
    name: 'an unknown output',
    path: INFER,
    body: withMembers({ outputs: [{ name: 'Z' }] }),
    status: 400,
    error: /unexpected inference output 'Z'/,
  },
  {
    name: 'an output without a name',
    path: INFER,
    body: withMembers({ outputs: [{}] }),
    status: 500,
    error: /name/,
  },
  {
    name: 'a classification that is no number',
    path: INFER,
    body: withMembers({ outputs: [{ name: 'SUM', parameters: { classification: 'top' } }] }),
    status: 500,
    error: /classification/,
  },
  {
    name: 'an unknown shared memory region',
    path: INFER,
    body: {
      inputs: [
        {
          name: 'A',
          shape: [1, 4],
          datatype: 'FP32',
          parameters: { shared_memory_region: 'none', shared_memory_byte_size: 16 },
        },
        B,
      ],
    },
    status: 404,
    error: /none/,
  },
  {
    name: 'an index out of the range of the model',
    path: '/v2/models/pick/infer',
    body: { inputs: [{ name: 'INDEX', shape: [1, 1], datatype: 'INT64', data: [9] }] },
    status: 500,
    error: /indices|index/,
  },
];

const MANAGEMENT: readonly BadRequest[] = [
  {
    name: 'an index question that is no JSON',
    path: '/v2/repository/index',
    body: '{',
    status: 500,
    error: /./,
  },
  {
    name: 'ready that is no boolean',
    path: '/v2/repository/index',
    body: { ready: 'yes' },
    status: 500,
    error: /ready/,
  },
  {
    name: 'load of an unknown model',
    path: '/v2/repository/models/nobody/load',
    status: 500,
    error: /failed to load 'nobody'/,
  },
  {
    name: 'load with an unknown parameter',
    path: '/v2/repository/models/add_sub/load',
    body: { parameters: { speed: 1 } },
    status: 500,
    error: /speed/,
  },
  {
    name: 'load with files but without a configuration',
    path: '/v2/repository/models/add_sub/load',
    body: { parameters: { 'file:1/model.onnx': 'AAAA' } },
    status: 400,
    error: /config/,
  },
  {
    name: 'load with a file outside of the model',
    path: '/v2/repository/models/add_sub/load',
    body: { parameters: { config: '{"backend":"onnxruntime"}', 'file:../../../x': 'AAAA' } },
    status: 400,
    error: /x/,
  },
  {
    name: 'a name that leaves the repository',
    path: '/v2/repository/models/..%2f..%2fetc/load',
    status: 400,
    error: /./,
  },
  { name: 'log settings that are no JSON', path: '/v2/logging', body: '{', status: 500, error: /./ },
  { name: 'a log file', path: '/v2/logging', body: { log_file: '/tmp/x' }, status: 501, error: /log/ },
  {
    name: 'a trace file',
    path: '/v2/trace/setting',
    body: { trace_file: '/tmp/x' },
    status: 501,
    error: /trace/,
  },
  {
    name: 'a trace rate that is no text',
    path: '/v2/trace/setting',
    body: { trace_rate: 1 },
    status: 500,
    error: /trace_rate|rate/,
  },
];

let repository: TemporaryRepository;
let server: RunningServer;

before(async () => {
  repository = makeRepository();
  const tensor = (name: string): string => `{ name: "${name}" data_type: TYPE_FP32 dims: [4] }`;
  repository.addOnnx('add_sub', 'add_sub', {
    'config.pbtxt': `
      backend: "onnxruntime"
      max_batch_size: 8
      input [${tensor('A')}, ${tensor('B')}]
      output [${tensor('SUM')}, ${tensor('DIFFERENCE')}]
    `,
  });
  for (const name of ['bool', 'int32', 'uint8', 'bytes', 'fp16']) repository.addOnnx(`identity_${name}`);
  repository.addOnnx('pick');
  repository.write('identity', identityModel());
  server = await startServer(
    repository.path,
    '--model-control-mode=explicit',
    '--load-model=*',
    '--log-error=false',
  );
});

after(async () => {
  assert.equal(await server.stop(), 0);
  await repository[Symbol.asyncDispose]();
});

for (const request of [...ROUTES, ...BODIES, ...TENSORS, ...BINARY, ...PARAMETERS, ...MANAGEMENT]) {
  test(`refused with ${request.status}: ${request.name}`, async () => {
    const response = await send(request);
    const text = await response.text();
    assert.equal(response.status, request.status, text);
    const { error, ...rest } = JSON.parse(text);
    assert.match(error, request.error);
    assert.doesNotMatch(error, /TypeError|node:internal|\.ts:|\.js:/);
    assert.deepEqual(rest, {});
    await assertAnswers();
  });
}

const BROKEN_CONNECTIONS: readonly (readonly [string, string])[] = [
  ['a request line that is none', 'HELLO\r\n\r\n'],
  ['a header that is none', 'GET /v2 HTTP/1.1\r\nHost x\r\n\r\n'],
  ['headers without end', `GET /v2 HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`],
  ['a content length that is none', `POST ${INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: lots\r\n\r\n`],
  [
    'two content lengths',
    `POST ${INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx`,
  ],
  [
    'a chunk size that is none',
    `POST ${INFER} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
  ],
];

for (const [name, text] of BROKEN_CONNECTIONS) {
  test(`refused with 4xx and the end of the connection: ${name}`, async () => {
    const answer = await sendRaw(text);
    assert.match(answer, /^HTTP\/1\.1 4\d\d /);
    await assertAnswers();
  });
}

test('a client that leaves in the middle of its request does no harm', async () => {
  const socket = connect(Number(new URL(server.http).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`POST ${INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{"inputs":`);
  socket.destroy();
  await assertAnswers();
});

function send({ path, method = 'POST', headers = {}, body }: BadRequest): Promise<Response> {
  const isWritten = typeof body === 'string' || body instanceof Uint8Array;
  const text = isWritten ? body : JSON.stringify(body);
  return fetch(`${server.http}${path}`, { method, headers, ...(text === undefined ? {} : { body: text }) });
}

async function sendRaw(text: string): Promise<string> {
  const socket = connect(Number(new URL(server.http).port), '127.0.0.1');
  socket.setEncoding('utf8');
  socket.on('error', () => undefined);
  socket.write(text);
  let answer = '';
  for await (const piece of socket) answer += String(piece);
  return answer;
}

/** The server still answers a good request, and rightly. */
async function assertAnswers(): Promise<void> {
  const response = await send({ name: '', path: INFER, body: { inputs: [A, B] }, status: 200, error: /./ });
  const { outputs } = JSON.parse(await response.text());
  assert.deepEqual(outputs[0].data, [2, 3, 4, 5]);
}
