/** The RPCs that only translate: metadata, configuration, repository, statistics, shared memory, trace and log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { InferenceServerError } from '@nereid/protocol';
import { GRPCInferenceService, ModelStatisticsResponseSchema } from '@nereid/protocol/gen';
import { createModelConfig } from '@nereid/protocol/model-config';
import type { LoadParameters } from '../../service/management-service.ts';
import { callRaw, callRpc, startServer } from './testing/fake-services.ts';

const rpcs = GRPCInferenceService.method;

test('ServerMetadata and ModelMetadata mirror the V2 JSON', async (t) => {
  const { client } = await startServer(t, {
    management: {
      serverMetadata: () => ({ name: 'nereid', version: '1.0', extensions: ['statistics'] }),
      modelMetadata: (name, version) => ({
        name,
        versions: [version],
        platform: 'onnxruntime_onnx',
        inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, 4] }],
        outputs: [{ name: 'Y', datatype: 'BYTES', shape: [1] }],
      }),
    },
  });
  const server = await callRpc(client, rpcs.serverMetadata, {});
  assert.deepEqual([server.name, server.version, server.extensions], ['nereid', '1.0', ['statistics']]);
  const model = await callRpc(client, rpcs.modelMetadata, { name: 'm', version: '2' });
  assert.deepEqual([model.name, model.versions, model.platform], ['m', ['2'], 'onnxruntime_onnx']);
  assert.deepEqual(model.inputs[0]?.shape, [-1n, 4n]);
  assert.equal(model.outputs[0]?.datatype, 'BYTES');
});

test('ModelConfig gives the configuration', async (t) => {
  const { client } = await startServer(t, {
    management: {
      modelConfig: (name) => createModelConfig({ name, max_batch_size: 8, backend: 'onnxruntime' }),
    },
  });
  const { config } = await callRpc(client, rpcs.modelConfig, { name: 'm' });
  assert.deepEqual([config?.name, config?.maxBatchSize, config?.backend], ['m', 8, 'onnxruntime']);
});

test('errors of the services become gRPC statuses, and so do bytes that are no message', async (t) => {
  const { client } = await startServer(t, {
    management: {
      modelConfig: () => {
        throw new InferenceServerError('NOT_FOUND', 'no such model');
      },
    },
  });
  await assert.rejects(callRpc(client, rpcs.modelConfig, { name: 'm' }), {
    code: status.NOT_FOUND,
    details: 'no such model',
  });
  const path = '/inference.GRPCInferenceService/ModelConfig';
  await assert.rejects(callRaw(client, path, Buffer.from('ffffffffff', 'hex')), {
    code: status.INTERNAL,
    details: 'Unable to parse request',
  });
  await assert.rejects(callRaw(client, '/inference.GRPCInferenceService/Nothing', Buffer.alloc(0)), {
    code: status.UNIMPLEMENTED,
  });
});

test('ModelStatistics mirrors the V2 JSON', async (t) => {
  const times = { count: 2, ns: 3_000_000_000 };
  const none = { count: 0, ns: 0 };
  const compute = { compute_input: times, compute_infer: times, compute_output: times };
  const entry = {
    name: 'm',
    version: '1',
    last_inference: 1_700_000_000_000,
    inference_count: 4,
    execution_count: 2,
    inference_stats: {
      success: times,
      fail: none,
      queue: times,
      ...compute,
      cache_hit: none,
      cache_miss: none,
    },
    response_stats: {
      0: {
        compute_infer: times,
        compute_output: times,
        success: times,
        fail: none,
        empty_response: none,
        cancel: none,
      },
    },
    batch_stats: [{ batch_size: 2, ...compute }],
    memory_usage: [],
  };
  const { client } = await startServer(t, { management: { statistics: () => [entry] } });
  const response = await callRpc(client, rpcs.modelStatistics, {});
  const json = toJson(ModelStatisticsResponseSchema, response, { useProtoFieldName: true });
  const duration = { count: '2', ns: '3000000000' };
  const computeJson = { compute_input: duration, compute_infer: duration, compute_output: duration };
  assert.deepEqual(json, {
    model_stats: [
      {
        name: 'm',
        version: '1',
        last_inference: '1700000000000',
        inference_count: '4',
        execution_count: '2',
        inference_stats: {
          success: duration,
          fail: {},
          queue: duration,
          ...computeJson,
          cache_hit: {},
          cache_miss: {},
        },
        response_stats: {
          0: {
            compute_infer: duration,
            compute_output: duration,
            success: duration,
            fail: {},
            empty_response: {},
            cancel: {},
          },
        },
        batch_stats: [{ batch_size: '2', ...computeJson }],
      },
    ],
  });
});

test('RepositoryIndex lists models; load and unload take their parameters', async (t) => {
  const calls: unknown[] = [];
  const { client } = await startServer(t, {
    management: {
      repositoryIndex: (readyOnly) => {
        calls.push(readyOnly);
        return Promise.resolve([{ name: 'a', version: '1', state: 'READY' }, { name: 'b' }]);
      },
      loadModel: (name: string, parameters: LoadParameters) => {
        calls.push([name, parameters]);
        return Promise.resolve();
      },
      unloadModel: (name, unloadDependents) => {
        calls.push([name, unloadDependents]);
        return Promise.resolve();
      },
    },
  });
  const { models } = await callRpc(client, rpcs.repositoryIndex, { ready: true });
  assert.deepEqual(
    models.map((model) => [model.name, model.version, model.state, model.reason]),
    [
      ['a', '1', 'READY', ''],
      ['b', '', '', ''],
    ],
  );
  await callRpc(client, rpcs.repositoryModelLoad, { modelName: 'm' });
  await callRpc(client, rpcs.repositoryModelLoad, {
    modelName: 'm',
    parameters: {
      config: { parameterChoice: { case: 'stringParam', value: '{}' } },
      'file:1/model.onnx': { parameterChoice: { case: 'bytesParam', value: new Uint8Array([9]) } },
    },
  });
  await callRpc(client, rpcs.repositoryModelUnload, { modelName: 'm' });
  await callRpc(client, rpcs.repositoryModelUnload, {
    modelName: 'm',
    parameters: { unload_dependents: { parameterChoice: { case: 'boolParam', value: true } } },
  });
  assert.deepEqual(calls, [
    true,
    ['m', {}],
    ['m', { config: '{}', files: new Map([['1/model.onnx', Buffer.from([9])]]) }],
    ['m', false],
    ['m', true],
  ]);
});

test('the repository RPCs refuse a repository name and wrong parameters', async (t) => {
  const { client } = await startServer(t, {});
  const unsupported = {
    code: status.UNIMPLEMENTED,
    details: "'repository_name' specification is not supported",
  };
  const named = { repositoryName: 'some', modelName: 'm' };
  await assert.rejects(callRpc(client, rpcs.repositoryIndex, { repositoryName: 'some' }), unsupported);
  await assert.rejects(callRpc(client, rpcs.repositoryModelLoad, named), unsupported);
  await assert.rejects(callRpc(client, rpcs.repositoryModelUnload, named), unsupported);
  const load = (key: string) =>
    callRpc(client, rpcs.repositoryModelLoad, {
      modelName: 'm',
      parameters: { [key]: { parameterChoice: { case: 'int64Param', value: 1n } } },
    });
  await assert.rejects(load('config'), {
    code: status.INVALID_ARGUMENT,
    details: "invalid value type for load parameter 'config', expected string_param.",
  });
  await assert.rejects(load('file:x'), {
    details: "invalid value type for load parameter 'file:x', expected bytes_param.",
  });
  await assert.rejects(load('what'), { details: "unrecognized load parameter 'what'." });
});

test('shared memory regions are registered, listed by name and unregistered', async (t) => {
  const calls: unknown[] = [];
  const { client } = await startServer(t, {
    management: {
      registerSystemSharedMemory: (region) => calls.push(region),
      systemSharedMemoryStatus: (name) => [{ name: `${name}g`, key: '/k', offset: 0, byteSize: 64 }],
      unregisterSystemSharedMemory: (name) => calls.push(name),
      registerCudaSharedMemory: (region, handle) => calls.push([region, handle.length]),
      cudaSharedMemoryStatus: () => [{ name: 'c', deviceId: 1, byteSize: 32 }],
      unregisterCudaSharedMemory: (name) => calls.push(name),
    },
  });
  await callRpc(client, rpcs.systemSharedMemoryRegister, { name: 'g', key: '/k', byteSize: 64n });
  const system = await callRpc(client, rpcs.systemSharedMemoryStatus, {});
  assert.deepEqual([system.regions['g']?.key, system.regions['g']?.byteSize], ['/k', 64n]);
  await callRpc(client, rpcs.systemSharedMemoryUnregister, {});
  await callRpc(client, rpcs.cudaSharedMemoryRegister, {
    name: 'c',
    rawHandle: new Uint8Array(64),
    deviceId: 1n,
    byteSize: 32n,
  });
  const cuda = await callRpc(client, rpcs.cudaSharedMemoryStatus, {});
  assert.deepEqual([cuda.regions['c']?.deviceId, cuda.regions['c']?.byteSize], [1n, 32n]);
  await callRpc(client, rpcs.cudaSharedMemoryUnregister, { name: 'c' });
  assert.deepEqual(calls, [
    { name: 'g', key: '/k', offset: 0, byteSize: 64 },
    '',
    [{ name: 'c', deviceId: 1, byteSize: 32 }, 64],
    'c',
  ]);
});

test('TraceSetting reads settings, and changes those that are given', async (t) => {
  const current = {
    trace_level: ['OFF'],
    trace_rate: '1000',
    trace_count: '-1',
    log_frequency: '0',
    trace_file: 't.json',
    trace_mode: 'triton',
  } as const;
  const updates: unknown[] = [];
  const { client } = await startServer(t, {
    management: {
      traceSettings: (model) => {
        updates.push(['read', model]);
        return current;
      },
      updateTraceSettings: (model, update) => {
        updates.push([model, update]);
        return current;
      },
    },
  });
  const { settings } = await callRpc(client, rpcs.traceSetting, { modelName: 'm' });
  assert.deepEqual(
    Object.entries(settings)
      .map(([name, { value }]) => [name, value])
      .sort(),
    Object.entries(current)
      .map(([name, value]) => [name, typeof value === 'string' ? [value] : value])
      .sort(),
  );
  await callRpc(client, rpcs.traceSetting, {
    settings: {
      trace_level: { value: ['TIMESTAMPS', 'TENSORS'] },
      trace_rate: { value: ['11'] },
      trace_count: {},
      colour: { value: ['x'] },
    },
  });
  assert.deepEqual(updates, [
    ['read', 'm'],
    [undefined, { trace_level: ['TIMESTAMPS', 'TENSORS'], trace_rate: '11', trace_count: null }],
  ]);
  const twice = callRpc(client, rpcs.traceSetting, { settings: { trace_rate: { value: ['1', '2'] } } });
  await assert.rejects(twice, {
    code: status.INVALID_ARGUMENT,
    details: "expect only 1 value for 'trace_rate'",
  });
  const file = callRpc(client, rpcs.traceSetting, { settings: { trace_file: { value: ['x'] } } });
  await assert.rejects(file, { code: status.UNIMPLEMENTED });
});

test('LogSettings reads settings, and changes those that are given', async (t) => {
  const current = {
    log_file: '',
    log_info: true,
    log_warning: true,
    log_error: true,
    log_verbose_level: 1,
    log_format: 'default',
  } as const;
  const kept = { log_file: null, log_info: null, log_warning: null, log_error: null, log_format: null };
  const updates: unknown[] = [];
  const { client } = await startServer(t, {
    management: {
      logSettings: () => current,
      updateLogSettings: (update) => {
        updates.push(update);
        if (update.log_format === 'xml')
          throw new InferenceServerError('UNAVAILABLE', 'invalid argument, got: xml');
        return current;
      },
    },
  });
  const { settings } = await callRpc(client, rpcs.logSettings, {});
  assert.deepEqual(settings['log_info']?.parameterChoice, { case: 'boolParam', value: true });
  assert.deepEqual(settings['log_verbose_level']?.parameterChoice, { case: 'uint32Param', value: 1 });
  assert.deepEqual(settings['log_format']?.parameterChoice, { case: 'stringParam', value: 'default' });
  await callRpc(client, rpcs.logSettings, {
    settings: { log_verbose_level: { parameterChoice: { case: 'uint32Param', value: 2 } } },
  });
  assert.deepEqual(updates, [{ ...kept, log_verbose_level: 2 }]);
  const kind = callRpc(client, rpcs.logSettings, {
    settings: { log_info: { parameterChoice: { case: 'stringParam', value: 'yes' } } },
  });
  await assert.rejects(kind, { code: status.INVALID_ARGUMENT, details: "expect boolean for 'log_info'" });
  const format = callRpc(client, rpcs.logSettings, {
    settings: { log_format: { parameterChoice: { case: 'stringParam', value: 'xml' } } },
  });
  await assert.rejects(format, { code: status.INVALID_ARGUMENT });
});
