import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  Server,
  ServerCredentials,
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
} from '@grpc/grpc-js';
import type { InferRequestMessage } from '@nereid/protocol';
import { GRPCInferenceService } from '@nereid/protocol/gen';
import {
  decodeMessage,
  decodeModelInferRequest,
  encodeMessage,
  encodeModelInferResponse,
  encodeModelStreamInferResponse,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@nereid/protocol/grpc';
import { GrpcClient } from './grpc-client.ts';
import { InferInput } from './infer-input.ts';
import type { InferStreamRequest, InferStreamResponse } from './inference-client.ts';

const METHODS = GRPCInferenceService.method;
const INPUT = InferInput.from('X', Int32Array.of(1, 2), [2]);

type Handler = handleUnaryCall<Buffer, Buffer> | handleBidiStreamingCall<Buffer, Buffer>;

/** A server with one method, and a client of it. */
async function serve(
  t: TestContext,
  method: { readonly name: string; readonly methodKind: string },
  handler: Handler,
): Promise<GrpcClient> {
  const streamed = method.methodKind === 'bidi_streaming';
  const definition: MethodDefinition<Buffer, Buffer> = {
    path: `/inference.GRPCInferenceService/${method.name}`,
    requestStream: streamed,
    responseStream: streamed,
    requestSerialize: (bytes) => bytes,
    requestDeserialize: (bytes) => bytes,
    responseSerialize: (bytes) => bytes,
    responseDeserialize: (bytes) => bytes,
  };
  const server = new Server();
  server.addService({ [method.name]: definition }, { [method.name]: handler });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new GrpcClient(`127.0.0.1:${port}`, { headers: { 'x-client': 'c' } });
  t.after(async () => {
    await client.close();
    server.forceShutdown();
  });
  return client;
}

/** A server whose one method gives one answer; the requests it got. */
async function answering<I extends DescMessage, O extends DescMessage>(
  t: TestContext,
  method: { readonly name: string; readonly methodKind: string; readonly input: I; readonly output: O },
  answer: MessageInitShape<O>,
): Promise<{ readonly client: GrpcClient; readonly requests: MessageShape<I>[] }> {
  const requests: MessageShape<I>[] = [];
  const handler: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    requests.push(decodeMessage(method.input, call.request));
    callback(null, encodeMessage(method.output, answer));
  };
  return { client: await serve(t, method, handler), requests };
}

function echoOf(request: InferRequestMessage) {
  const [input = INPUT] = request.inputs;
  const { datatype, shape, data = new Uint8Array(0) } = input;
  const outputs = [{ name: 'Y', datatype, shape, data }];
  return {
    modelName: request.modelName,
    modelVersion: '1',
    id: request.id,
    parameters: request.parameters,
    outputs,
  };
}

async function collect(responses: AsyncIterable<InferStreamResponse>): Promise<InferStreamResponse[]> {
  const collected: InferStreamResponse[] = [];
  for await (const response of responses) collected.push(response);
  return collected;
}

/** Answers a stream: model 'bad' fails, others echo. */
const echoStream: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on('data', (bytes: Buffer) => {
    const request = decodeModelInferRequest(bytes);
    const response = echoOf(request);
    call.write(
      request.modelName === 'bad'
        ? encodeModelStreamInferResponse({ errorMessage: 'no', response: { ...response, outputs: [] } })
        : encodeModelStreamInferResponse({ response, final: true }),
    );
  });
  call.on('end', () => call.end());
};

test('a request arrives whole and its answer is read', async (t) => {
  let received: InferRequestMessage | undefined;
  const client = await serve(t, METHODS.modelInfer, ((call, callback) => {
    received = decodeModelInferRequest(call.request);
    assert.deepEqual([...call.metadata.get('x-client'), ...call.metadata.get('x-call')], ['c', 'd']);
    callback(null, encodeModelInferResponse(echoOf(received)));
  }) satisfies handleUnaryCall<Buffer, Buffer>);
  const result = await client.infer('m', [INPUT], {
    modelVersion: '1',
    requestId: 'r',
    priority: 1,
    timeoutUs: 5,
    sequence: { id: 's', end: true },
    parameters: { p: 0.5 },
    outputs: [{ name: 'Y', classification: 2 }, 'Z'],
    headers: { 'x-call': 'd' },
  });
  assert.deepEqual(received, {
    modelName: 'm',
    modelVersion: '1',
    id: 'r',
    inputs: [{ ...INPUT, data: Buffer.from([1, 0, 0, 0, 2, 0, 0, 0]) }],
    outputs: [
      { name: 'Y', classification: 2, binaryData: false },
      { name: 'Z', classification: 0, binaryData: false },
    ],
    binaryDataOutput: false,
    priority: 1,
    timeoutUs: 5,
    sequence: { id: 's', start: false, end: true },
    parameters: { p: 0.5 },
    enableEmptyFinalResponse: false,
  });
  assert.deepEqual(result.output('Y', 'INT32'), Int32Array.of(1, 2));
  assert.deepEqual([result.id, result.parameters], ['r', { p: 0.5 }]);
});

test('an error of the server is thrown with its code and text', async (t) => {
  const client = await serve(t, METHODS.modelInfer, ((_call, callback) => {
    callback({ code: 5, details: 'no such model' });
  }) satisfies handleUnaryCall<Buffer, Buffer>);
  await assert.rejects(client.infer('m', [INPUT]), {
    name: 'InferenceServerError',
    code: 'NOT_FOUND',
    message: 'no such model',
  });
  await assert.rejects(client.serverLive(), { code: 'UNSUPPORTED' });
});

test('a server that cannot be reached is UNAVAILABLE', async () => {
  const client = new GrpcClient('127.0.0.1:1');
  await assert.rejects(client.serverLive(), { code: 'UNAVAILABLE' });
  await client.close();
});

test('the signal cancels a call, running or not begun', async (t) => {
  const controller = new AbortController();
  const client = await serve(t, METHODS.modelInfer, () => controller.abort());
  await assert.rejects(client.infer('m', [INPUT], { signal: controller.signal }), { code: 'CANCELLED' });
  await assert.rejects(client.infer('m', [INPUT], { signal: controller.signal }), { code: 'CANCELLED' });
});

test('health', async (t) => {
  const { client, requests } = await answering(t, METHODS.modelReady, { ready: true });
  assert.equal(await client.modelReady('m', { modelVersion: '2' }), true);
  assert.deepEqual([requests[0]?.name, requests[0]?.version], ['m', '2']);
  assert.equal(await (await answering(t, METHODS.serverLive, { live: true })).client.serverLive(), true);
  assert.equal(await (await answering(t, METHODS.serverReady, {})).client.serverReady(), false);
});

test('a model that the server does not know is not ready', async (t) => {
  const client = await serve(t, METHODS.modelReady, ((_call, callback) => {
    callback({ code: 5, details: 'unknown' });
  }) satisfies handleUnaryCall<Buffer, Buffer>);
  assert.equal(await client.modelReady('m'), false);
});

test('metadata have the names of the HTTP bodies', async (t) => {
  const { client } = await answering(t, METHODS.modelMetadata, {
    name: 'm',
    versions: ['1'],
    platform: 'onnx',
    inputs: [{ name: 'X', datatype: 'INT32', shape: [-1n, 4n] }],
  });
  assert.deepEqual(await client.modelMetadata('m'), {
    name: 'm',
    versions: ['1'],
    platform: 'onnx',
    inputs: [{ name: 'X', datatype: 'INT32', shape: [-1, 4] }],
    outputs: [],
  });
  const server = await answering(t, METHODS.serverMetadata, {
    name: 'nereid',
    version: '1',
    extensions: ['a'],
  });
  assert.deepEqual(await server.client.serverMetadata(), { name: 'nereid', version: '1', extensions: ['a'] });
});

test('the configuration of a model has the names of config.pbtxt', async (t) => {
  const { client } = await answering(t, METHODS.modelConfig, { config: { name: 'm', maxBatchSize: 8 } });
  const config = await client.modelConfig('m');
  assert.deepEqual([config['name'], config['max_batch_size']], ['m', 8]);
});

test('models are listed, loaded and unloaded', async (t) => {
  const index = await answering(t, METHODS.repositoryIndex, {
    models: [{ name: 'a' }, { name: 'b', version: '1', state: 'UNAVAILABLE', reason: 'unloaded' }],
  });
  assert.deepEqual(await index.client.repositoryIndex({ ready: true }), [
    { name: 'a' },
    { name: 'b', version: '1', state: 'UNAVAILABLE', reason: 'unloaded' },
  ]);
  assert.equal(index.requests[0]?.ready, true);
  const load = await answering(t, METHODS.repositoryModelLoad, {});
  await load.client.loadModel('m', { config: { name: 'm' }, files: { '1/model.onnx': Buffer.from('abc') } });
  const parameters = load.requests[0]?.parameters ?? {};
  assert.deepEqual(parameters['config']?.parameterChoice, { case: 'stringParam', value: '{"name":"m"}' });
  const file = parameters['file:1/model.onnx']?.parameterChoice;
  assert.deepEqual([file?.case, String(file?.value)], ['bytesParam', 'abc']);
  const unload = await answering(t, METHODS.repositoryModelUnload, {});
  await unload.client.unloadModel('m', { unloadDependents: true });
  assert.deepEqual(unload.requests[0]?.parameters['unload_dependents']?.parameterChoice, {
    case: 'boolParam',
    value: true,
  });
});

test('statistics have the names of the HTTP bodies', async (t) => {
  const { client } = await answering(t, METHODS.modelStatistics, {
    modelStats: [
      {
        name: 'm',
        version: '1',
        lastInference: 5n,
        inferenceCount: 2n,
        executionCount: 1n,
        inferenceStats: { success: { count: 2n, ns: 10n } },
        batchStats: [{ batchSize: 2n, computeInfer: { count: 1n, ns: 3n } }],
        responseStats: { '0': { success: { count: 1n, ns: 4n } } },
        memoryUsage: [{ type: 'CPU', id: 0n, byteSize: 9n }],
      },
    ],
  });
  const none = { count: 0, ns: 0 };
  const [statistics] = await client.modelStatistics('m');
  assert.deepEqual(statistics, {
    name: 'm',
    version: '1',
    last_inference: 5,
    inference_count: 2,
    execution_count: 1,
    inference_stats: {
      success: { count: 2, ns: 10 },
      fail: none,
      queue: none,
      compute_input: none,
      compute_infer: none,
      compute_output: none,
      cache_hit: none,
      cache_miss: none,
    },
    response_stats: {
      '0': {
        compute_infer: none,
        compute_output: none,
        success: { count: 1, ns: 4 },
        fail: none,
        empty_response: none,
        cancel: none,
      },
    },
    batch_stats: [
      { batch_size: 2, compute_input: none, compute_infer: { count: 1, ns: 3 }, compute_output: none },
    ],
    memory_usage: [{ type: 'CPU', id: 0, byte_size: 9 }],
  });
});

test('log settings are read and changed', async (t) => {
  const { client, requests } = await answering(t, METHODS.logSettings, {
    settings: {
      log_info: { parameterChoice: { case: 'boolParam', value: true } },
      log_verbose_level: { parameterChoice: { case: 'uint32Param', value: 2 } },
      log_format: { parameterChoice: { case: 'stringParam', value: 'default' } },
    },
  });
  const settings = await client.updateLogSettings({ log_verbose_level: 2, log_info: true, log_format: null });
  assert.deepEqual(settings, {
    log_file: '',
    log_info: true,
    log_warning: false,
    log_error: false,
    log_verbose_level: 2,
    log_format: 'default',
  });
  assert.deepEqual(Object.keys(requests[0]?.settings ?? {}), ['log_verbose_level', 'log_info']);
});

test('trace settings are read and changed', async (t) => {
  const { client, requests } = await answering(t, METHODS.traceSetting, {
    settings: {
      trace_level: { value: ['OFF'] },
      trace_rate: { value: ['1000'] },
      trace_count: { value: ['-1'] },
    },
  });
  const settings = await client.updateTraceSettings(
    { trace_level: ['A', 'B'], trace_rate: '1', trace_count: null },
    'm',
  );
  assert.deepEqual(settings, { trace_level: ['OFF'], trace_rate: '1000', trace_count: '-1', trace_mode: '' });
  assert.equal(requests[0]?.modelName, 'm');
  assert.deepEqual(
    Object.entries(requests[0]?.settings ?? {}).map(([name, { value }]) => [name, value]),
    [
      ['trace_level', ['A', 'B']],
      ['trace_rate', ['1']],
      ['trace_count', []],
    ],
  );
});

test('a stream answers each request, and goes on after an error', async (t) => {
  const client = await serve(t, METHODS.modelStreamInfer, echoStream);
  const requests = ['a', 'bad', 'c'].map((modelName) => ({
    modelName,
    inputs: [INPUT],
    requestId: `id-${modelName}`,
  }));
  const responses = await collect(client.inferStream(requests));
  assert.deepEqual(
    responses.map(({ kind, id, final }) => [kind, id, final]),
    [
      ['result', 'id-a', true],
      ['error', 'id-bad', true],
      ['result', 'id-c', true],
    ],
  );
  const [first, second] = responses;
  assert.ok(first?.kind === 'result' && second?.kind === 'error');
  assert.deepEqual(first.result.asNumbers('Y'), [1, 2]);
  assert.deepEqual([second.error.code, second.error.message], ['UNKNOWN', 'no']);
});

test('requests may depend on answers, and leaving the loop ends the call', async (t) => {
  const ended = Promise.withResolvers<void>();
  const client = await serve(t, METHODS.modelStreamInfer, ((call) => {
    call.on('cancelled', ended.resolve);
    echoStream(call);
  }) satisfies handleBidiStreamingCall<Buffer, Buffer>);
  let answered = Promise.withResolvers<void>();
  async function* requests(): AsyncGenerator<InferStreamRequest> {
    for (let count = 0; ; count++) {
      answered = Promise.withResolvers();
      yield { modelName: 'm', inputs: [INPUT], requestId: String(count) };
      await answered.promise;
    }
  }
  const ids: string[] = [];
  for await (const { id } of client.inferStream(requests())) {
    ids.push(id);
    if (id === '2') break;
    answered.resolve();
  }
  assert.deepEqual(ids, ['0', '1', '2']);
  await ended.promise;
});

test('what the requests throw ends the stream', async (t) => {
  const client = await serve(t, METHODS.modelStreamInfer, echoStream);
  async function* requests(): AsyncGenerator<InferStreamRequest> {
    yield { modelName: 'm', inputs: [INPUT] };
    throw new Error('no more data');
  }
  await assert.rejects(collect(client.inferStream(requests())), { message: 'no more data' });
});

test('a status that ends a stream is thrown', async (t) => {
  const client = await serve(t, METHODS.modelStreamInfer, ((call) => {
    call.emit('error', { code: 13, details: 'broken' });
  }) satisfies handleBidiStreamingCall<Buffer, Buffer>);
  await assert.rejects(collect(client.inferStream([])), { code: 'INTERNAL', message: 'broken' });
});

test('the signal cancels a stream', async (t) => {
  const controller = new AbortController();
  const client = await serve(t, METHODS.modelStreamInfer, () => controller.abort());
  const responses = client.inferStream([{ modelName: 'm', inputs: [INPUT] }], { signal: controller.signal });
  await assert.rejects(collect(responses), { code: 'CANCELLED' });
});

test('shared memory is registered with its offset', async (t) => {
  const { client, requests } = await answering(t, METHODS.systemSharedMemoryRegister, {});
  await client.registerSystemSharedMemory({ name: 'r', key: '/k', byteSize: 64, offset: 4096 });
  const [{ name, key, byteSize, offset } = assert.fail('no request')] = requests;
  assert.deepEqual({ name, key, byteSize, offset }, { name: 'r', key: '/k', byteSize: 64n, offset: 4096n });
});

test('the status of shared memory has the names of the HTTP body', async (t) => {
  const regions = { r: { name: 'r', key: '/k', offset: 8n, byteSize: 64n } };
  const { client } = await answering(t, METHODS.systemSharedMemoryStatus, { regions });
  assert.deepEqual(await client.systemSharedMemoryStatus(), [
    { name: 'r', key: '/k', offset: 8, byte_size: 64 },
  ]);
});

test('all shared memory is unregistered when no region is named', async (t) => {
  const { client, requests } = await answering(t, METHODS.systemSharedMemoryUnregister, {});
  await client.unregisterSystemSharedMemory();
  assert.equal(requests[0]?.name, '');
});
