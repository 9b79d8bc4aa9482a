import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelConfig } from '@nereid/backend-sdk';
import { createModelConfig, type Init } from '@nereid/backend-sdk/testing';
import { createModelContext } from '../test/model-context.ts';
import type { OrtSessionOptions } from './ort-binding.ts';
import { createSessionOptions, shareOfCores, type SessionDevice } from './session-options.ts';

describe('shareOfCores', () => {
  const share = (cores: number, ...groups: Init<ModelConfig['instance_group']>): number =>
    shareOfCores(createModelConfig({ name: 'm', instance_group: groups }), cores);

  it('leaves a single instance to the library', () => {
    assert.equal(share(8), 0);
    assert.equal(share(8, { count: 1, kind: 'KIND_CPU' }), 0);
    assert.equal(share(8, { count: 4, kind: 'KIND_GPU' }, { count: 1, kind: 'KIND_CPU' }), 0);
  });

  it('gives several instances their part of the cores, at least one', () => {
    assert.equal(share(8, { count: 2, kind: 'KIND_CPU' }), 4);
    assert.equal(share(8, { count: 2, kind: 'KIND_CPU' }, { count: 1, kind: 'KIND_AUTO' }), 2);
    assert.equal(share(2, { count: 64, kind: 'KIND_CPU' }), 1);
  });
});

describe('createSessionOptions', () => {
  it('leaves the choice of threads to the library and lets them spin shortly', () => {
    const { options } = optionsOf({});
    assert.deepEqual([options.intraOpNumThreads, options.interOpNumThreads], [0, 0]);
    assert.deepEqual(options.extra, {
      'session.intra_op.allow_spinning': '1',
      'session.intra_op.spin_duration_us': '100',
      'session.inter_op.allow_spinning': '0',
    });
    assert.deepEqual(options.executionProviders, [{ name: 'cpu' }]);
    assert.equal(options.graphOptimizationLevel, 'all');
  });

  it('takes the parameters that Triton has for ONNX models', () => {
    const { options } = optionsOf({
      parameters: parametersOf({
        intra_op_thread_count: '3',
        inter_op_thread_count: '2',
        execution_mode: '1',
        enable_mem_arena: '0',
        enable_mem_pattern: 'false',
        'session.intra_op.allow_spinning': '1',
        'session.use_device_allocator_for_initializers': '1',
      }),
    });
    const {
      intraOpNumThreads,
      interOpNumThreads,
      executionMode,
      enableCpuMemArena,
      enableMemPattern,
      extra,
    } = options;
    assert.deepEqual(
      { intraOpNumThreads, interOpNumThreads, executionMode, enableCpuMemArena, enableMemPattern },
      {
        intraOpNumThreads: 3,
        interOpNumThreads: 2,
        executionMode: 'parallel',
        enableCpuMemArena: false,
        enableMemPattern: false,
      },
    );
    assert.deepEqual(extra, {
      'session.intra_op.allow_spinning': '1',
      'session.inter_op.allow_spinning': '0',
      'session.use_device_allocator_for_initializers': '1',
    });
  });

  it('lets threads spin for as long as a model says', () => {
    const { options } = optionsOf({
      parameters: parametersOf({ 'session.intra_op.spin_duration_us': '20' }),
    });
    assert.deepEqual(options.extra, {
      'session.intra_op.allow_spinning': '1',
      'session.intra_op.spin_duration_us': '20',
      'session.inter_op.allow_spinning': '0',
    });
  });

  it('refuses an execution mode that there is not', () => {
    assert.throws(() => optionsOf({ parameters: parametersOf({ execution_mode: '2' }) }), {
      code: 'INVALID_ARG',
      message: "model 'm', parameter 'execution_mode': expected an integer from 0 to 1, found '2'",
    });
  });

  for (const [level, expected] of [
    [-1, 'basic'],
    [0, 'all'],
    [1, 'extended'],
    [2, 'disabled'],
  ] as const) {
    it(`reads graph level ${level} as ${expected}`, () => {
      assert.equal(
        optionsOf({ optimization: { graph: { level } } }).options.graphOptimizationLevel,
        expected,
      );
    });
  }

  it('takes thread counts from the settings when a global thread pool is wanted', () => {
    const settings = {
      'enable-global-threadpool': '1',
      intra_op_thread_count: '4',
      inter_op_thread_count: '1',
    };
    const { options } = optionsOf({ parameters: parametersOf({ intra_op_thread_count: '9' }) }, { settings });
    assert.deepEqual([options.intraOpNumThreads, options.interOpNumThreads], [4, 1]);
  });

  it('refuses an accelerator that the library lacks, by name', () => {
    const execution_accelerators = { cpu_execution_accelerator: [{ name: 'openvino' }] };
    assert.throws(() => optionsOf({ optimization: { execution_accelerators } }), {
      code: 'UNSUPPORTED',
      message:
        "unable to load model 'm', execution accelerator 'openvino' of a KIND_CPU instance: " +
        'this ONNX Runtime has cpu, cuda, tensorrt',
    });
  });

  it('puts the accelerators of a GPU before CUDA and CUDA before the CPU', () => {
    const execution_accelerators = {
      gpu_execution_accelerator: [{ name: 'tensorrt', parameters: { precision_mode: 'FP16' } }],
    };
    const { options, warnings } = optionsOf(
      { optimization: { execution_accelerators } },
      { device: { kind: 'KIND_GPU', deviceId: 1 } },
    );
    assert.deepEqual(options.executionProviders, [
      { name: 'tensorrt', deviceId: 1 },
      { name: 'cuda', deviceId: 1 },
      { name: 'cpu' },
    ]);
    assert.deepEqual(warnings, ["model 'm': accelerator 'tensorrt' runs without its precision_mode"]);
  });

  it('ignores GPU accelerators on a CPU', () => {
    const execution_accelerators = { gpu_execution_accelerator: [{ name: 'tensorrt' }] };
    assert.deepEqual(optionsOf({ optimization: { execution_accelerators } }).options.executionProviders, [
      { name: 'cpu' },
    ]);
  });

  it('warns of a parameter without effect', () => {
    const { warnings } = optionsOf({
      parameters: parametersOf({ 'memory.enable_memory_arena_shrinkage': 'cpu:0' }),
    });
    assert.deepEqual(warnings, [
      "model 'm': parameter 'memory.enable_memory_arena_shrinkage' has no effect here",
    ]);
  });

  it('warns of a parameter that there is not, with the name that was meant', () => {
    const parameters = parametersOf({ intra_op_thread_cout: '2', 'session.anything': '1' });
    const { warnings } = optionsOf({ parameters });
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? '',
      /^model 'm': parameter 'intra_op_thread_cout' is not known to backend 'onnxruntime', which has .*; did you mean 'intra_op_thread_count'\?$/,
    );
  });
});

interface Surroundings {
  readonly settings?: Readonly<Record<string, string>>;
  readonly device?: SessionDevice;
}

function optionsOf(
  init: Init<ModelConfig>,
  { settings = {}, device = { kind: 'KIND_CPU', deviceId: 0 } }: Surroundings = {},
): { readonly options: OrtSessionOptions; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const config = createModelConfig({ ...init, name: 'm' });
  const context = createModelContext(config, { settings, warnings });
  return { options: createSessionOptions(context, config, device, ['cpu', 'cuda', 'tensorrt']), warnings };
}

function parametersOf(parameters: Readonly<Record<string, string>>): Init<ModelConfig['parameters']> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, { string_value: value }]),
  );
}
