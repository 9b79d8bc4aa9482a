/** Tracing in mode `opentelemetry`, seen from a collector: what spans there are, how they hang together, their times. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentials, Metadata, Client } from '@grpc/grpc-js';
import { encodeModelInferRequest } from '@nereid/protocol/grpc';
import { identityModel, makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { notingModel } from '../server/script-models.ts';
import { startCollector, type CollectedSpan, type Collector } from '../server/otlp-collector.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const CONTEXT = { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'vendor=1' };

const ENSEMBLE = `
platform: "ensemble"
input [{ name: "IN" data_type: TYPE_INT32 dims: [-1] }]
output [{ name: "OUT" data_type: TYPE_INT32 dims: [-1] }]
ensemble_scheduling { step [
  { model_name: "first" model_version: -1 input_map { key: "INPUT0" value: "IN" } output_map { key: "OUTPUT0" value: "between" } },
  { model_name: "second" model_version: -1 input_map { key: "INPUT0" value: "between" } output_map { key: "OUTPUT0" value: "OUT" } }
] }
`;

function start(
  repository: TemporaryRepository,
  collector: Collector,
  ...settings: readonly string[]
): Promise<RunningServer> {
  const all = [
    'mode=opentelemetry',
    'level=TIMESTAMPS',
    `opentelemetry,url=${collector.url}`,
    'opentelemetry,bsp_schedule_delay=1',
    ...settings,
  ];
  return startServer(repository.path, ...all.map((setting) => `--trace-config=${setting}`));
}

async function inferHttp(
  { http }: RunningServer,
  model: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const input = model === 'chain' ? 'IN' : 'INPUT0';
  const inputs = [{ name: input, datatype: 'INT32', shape: [1], data: [1] }];
  const body = JSON.stringify({ id: 'r1', inputs });
  const response = await fetch(`${http}/v2/models/${model}/infer`, { method: 'POST', body, headers });
  await response.arrayBuffer();
  return response;
}

/** The names of spans below a parent, each with those below it. */
function treeOf(spans: readonly CollectedSpan[], parentSpanId: string): object {
  const own = spans.filter((span) => span.parentSpanId === parentSpanId);
  return Object.fromEntries(own.map(({ name, spanId }) => [name, treeOf(spans, spanId)]));
}

function find(spans: readonly CollectedSpan[], name: string): CollectedSpan {
  const span = spans.find((candidate) => candidate.name === name);
  assert.ok(span, `no span ${name}`);
  return span;
}

function eventsOf(span: CollectedSpan): readonly string[] {
  return span.events.map(({ name }) => name);
}

test('what a model notes of its own is a span below its execution', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('noting', notingModel());
  await using collector = await startCollector();
  await using server = await start(repository, collector, 'rate=1');
  await inferHttp(server, 'noting');
  const spans = await collector.spans(5);
  const compute = { compute: { TOKENIZE: { LOOKUP: {} } } };
  assert.deepEqual(treeOf(spans, ''), { InferRequest: { noting: compute } });
  assert.deepEqual(eventsOf(find(spans, 'LOOKUP')), ['LOOKUP_START', 'HIT', 'LOOKUP_END']);
  const [outer, inner] = [find(spans, 'TOKENIZE'), find(spans, 'LOOKUP')];
  assert.ok(outer.startNs <= inner.startNs && inner.endNs <= outer.endNs);
});

test('a request is a tree of spans, with the times and the attributes of its stages', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('slow', identityModel({ delayMs: 20 }));
  await using collector = await startCollector();
  await using server = await start(repository, collector, 'rate=1', 'opentelemetry,resource=zone=a');
  const before = BigInt(Date.now()) * 1_000_000n;
  await inferHttp(server, 'slow');
  const spans = await collector.spans(3);
  const after = BigInt(Date.now() + 1) * 1_000_000n;

  assert.deepEqual(treeOf(spans, ''), { InferRequest: { slow: { compute: {} } } });
  const [root, model, compute] = ['InferRequest', 'slow', 'compute'].map((name) => find(spans, name));
  assert.ok(root && model && compute);
  assert.deepEqual(
    [before, root.startNs, model.startNs, compute.startNs, compute.endNs, model.endNs, root.endNs, after],
    [
      before,
      root.startNs,
      model.startNs,
      compute.startNs,
      compute.endNs,
      model.endNs,
      root.endNs,
      after,
    ].toSorted((a, b) => (a < b ? -1 : 1)),
  );
  assert.ok(compute.endNs - compute.startNs >= 19_000_000n);
  assert.deepEqual(model.attributes, {
    'triton.model_name': 'slow',
    'triton.model_version': 1,
    'triton.trace_id': 1,
    'triton.trace_parent_id': 0,
    'triton.request_id': 'r1',
  });
  assert.deepEqual(eventsOf(root), [
    'HTTP_RECV_START',
    'HTTP_RECV_END',
    'INFER_RESPONSE_COMPLETE',
    'HTTP_SEND_START',
    'HTTP_SEND_END',
  ]);
  assert.deepEqual(eventsOf(model), ['REQUEST_START', 'QUEUE_START', 'REQUEST_END']);
  assert.deepEqual(eventsOf(compute), [
    'COMPUTE_START',
    'COMPUTE_INPUT_END',
    'COMPUTE_OUTPUT_START',
    'COMPUTE_END',
  ]);
  assert.equal(root.resource['service.name'], 'triton-inference-server');
  assert.equal(root.resource['zone'], 'a');
});

test('the steps of an ensemble lie below it', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('first', identityModel());
  repository.write('second', identityModel());
  repository.write('chain', { 'config.pbtxt': ENSEMBLE, '1/.keep': '' });
  await using collector = await startCollector();
  await using server = await start(repository, collector, 'rate=1');
  assert.equal((await inferHttp(server, 'chain')).status, 200);
  const spans = await collector.spans(6);
  assert.deepEqual(treeOf(spans, ''), {
    InferRequest: { chain: { first: { compute: {} }, second: { compute: {} } } },
  });
  assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
  assert.equal(find(spans, 'second').attributes['triton.trace_parent_id'], 1);
});

test('a context in HTTP headers is gone on with, and forces a trace at rate 0', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('m', identityModel());
  await using collector = await startCollector();
  await using server = await start(repository, collector, 'rate=0');
  const plain = await inferHttp(server, 'm');
  const traced = await inferHttp(server, 'm', CONTEXT);
  const spans = await collector.spans(3);
  assert.deepEqual(treeOf(spans, SPAN), { InferRequest: { m: { compute: {} } } });
  assert.deepEqual(new Set(spans.map(({ traceId }) => traceId)), new Set([TRACE]));
  assert.equal(find(spans, 'InferRequest').traceState, 'vendor=1');
  assert.deepEqual(
    [...traced.headers.keys()].filter((name) => name !== 'date'),
    [...plain.headers.keys()].filter((name) => name !== 'date'),
  );
});

test('a context in gRPC metadata is gone on with, in calls and in streams', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('m', identityModel());
  await using collector = await startCollector();
  await using server = await start(repository, collector, 'rate=0');
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(CONTEXT)) metadata.set(name, value);
  await callGrpc(server, metadata);
  const unary = await collector.spans(3);
  assert.deepEqual(treeOf(unary, SPAN), { InferRequest: { m: { compute: {} } } });
  assert.deepEqual(eventsOf(find(unary, 'InferRequest')), [
    'GRPC_WAITREAD_START',
    'GRPC_WAITREAD_END',
    'INFER_RESPONSE_COMPLETE',
    'GRPC_SEND_START',
    'GRPC_SEND_END',
  ]);
  await streamGrpc(server, metadata);
  const streamed = (await collector.spans(6)).slice(3);
  assert.deepEqual(treeOf(streamed, SPAN), { InferRequest: { m: { compute: {} } } });
  assert.deepEqual(eventsOf(find(streamed, 'InferRequest')), eventsOf(find(unary, 'InferRequest')));
});

test('a request that is refused ends its span with the reason', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('m', identityModel());
  await using collector = await startCollector();
  await using server = await start(repository, collector, 'rate=1');
  const body = JSON.stringify({ inputs: [{ name: 'WRONG', datatype: 'INT32', shape: [1], data: [1] }] });
  const response = await fetch(`${server.http}/v2/models/m/infer`, { method: 'POST', body });
  assert.equal(response.status, 400);
  const spans = await collector.spans(2);
  assert.match(find(spans, 'InferRequest').error, /WRONG/);
});

test('a collector that is gone does not keep the server from ending, and the log tells', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('m', identityModel());
  const collector = await startCollector();
  await collector[Symbol.asyncDispose]();
  await using server = await start(repository, collector, 'rate=1');
  await inferHttp(server, 'm');
  assert.equal(await server.stop(), 0);
  assert.match(server.output(), /spans (were lost|could not be sent)/);
});

/** Answers with the context that it is told to go on with, and logs a line. */
const TELLER = `
export default {
  config: {
    input: [{ name: 'INPUT0', data_type: 'TYPE_INT32', dims: [-1] }],
    output: [{ name: 'CONTEXT', data_type: 'TYPE_STRING', dims: [1] }],
  },
  async execute(request, { logger }) {
    await new Promise((resolve) => setImmediate(resolve));
    logger.info('told');
    return { outputs: { CONTEXT: [request.traceContext.traceparent] } };
  },
};
`;

test(
  'a model can go on with the trace below its execution, and its lines name the trace',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    repository.write('teller', { '1/model.ts': TELLER });
    await using collector = await startCollector();
    await using server = await start(repository, collector, 'rate=1');
    const inputs = [{ name: 'INPUT0', datatype: 'INT32', shape: [1], data: [1] }];
    const body = JSON.stringify({ id: 'r1', inputs });
    const response = await fetch(`${server.http}/v2/models/teller/infer`, { method: 'POST', body });
    const answer = (await response.json()) as { outputs: readonly { data: readonly string[] }[] };
    const { traceId, spanId } = find(await collector.spans(3), 'compute');
    assert.equal(answer.outputs[0]?.data[0], `00-${traceId}-${spanId}-01`);
    await server.stop();
    assert.match(server.output(), new RegExp(`"told" request_id="r1" trace_id="${traceId}"`));
  },
);

test('spans that wait are sent when the server stops', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('m', identityModel());
  await using collector = await startCollector();
  await using server = await start(
    repository,
    collector,
    'rate=1',
    'opentelemetry,bsp_schedule_delay=600000',
  );
  await inferHttp(server, 'm');
  assert.equal(await server.stop(), 0);
  assert.equal((await collector.spans(3)).length, 3);
});

const MESSAGE = encodeModelInferRequest({
  modelName: 'm',
  modelVersion: '',
  id: 'g1',
  inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [1], data: new Uint8Array(4) }],
  outputs: [],
  binaryDataOutput: false,
  priority: 0,
  timeoutUs: 0,
  sequence: undefined,
  parameters: undefined,
});

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

async function callGrpc({ grpc }: RunningServer, metadata: Metadata): Promise<void> {
  const client = new Client(grpc, credentials.createInsecure());
  const path = '/inference.GRPCInferenceService/ModelInfer';
  await new Promise<void>((resolve, reject) => {
    client.makeUnaryRequest(path, asIs, asIs, MESSAGE, metadata, (error) =>
      error ? reject(error) : resolve(),
    );
  });
  client.close();
}

async function streamGrpc({ grpc }: RunningServer, metadata: Metadata): Promise<void> {
  const client = new Client(grpc, credentials.createInsecure());
  const path = '/inference.GRPCInferenceService/ModelStreamInfer';
  const stream = client.makeBidiStreamRequest(path, asIs, asIs, metadata);
  stream.end(MESSAGE);
  for await (const answer of stream) assert.ok(answer);
  client.close();
}
