import { availableParallelism } from 'node:os';
import {
  checkModelIo,
  completeModelIo,
  defineBackend,
  InferenceServerError,
  type Backend,
  type BackendModel,
  type ModelConfig,
  type ModelContext,
} from '@nereid/backend-sdk';
import { createOnnxInstance } from './execution.ts';
import { toModelTensors } from './io-mapping.ts';
import { findModelFile, isTinyModel } from './model-file.ts';
import { loadOrt, type Ort, type OrtSession } from './ort-binding.ts';
import { fromOrtError } from './ort-error.ts';
import {
  createSessionOptions,
  ONNX_SETTINGS,
  readOnnxSettings,
  shareOfCores,
  type SessionDevice,
} from './session-options.ts';

const CPU: SessionDevice = { kind: 'KIND_CPU', deviceId: 0 };

export const onnxBackend = createOnnxBackend();

/** The backend; the library is loaded when its first thread starts. */
function createOnnxBackend(): Backend {
  let library: Promise<Ort> | undefined;
  return defineBackend({
    name: 'onnxruntime',
    platform: 'onnxruntime_onnx',
    instanceHost: 'executor-thread',
    defaultModelFilename: 'model.onnx',
    defaultInstanceCount: 2,
    settings: ONNX_SETTINGS,
    async start(context) {
      if (readOnnxSettings(context)['enable-global-threadpool']) {
        context.logger.warning(
          "setting 'enable-global-threadpool': thread counts are taken from the backend's settings, " +
            'but each model has threads of its own',
        );
      }
      library = loadOrt();
      await library;
    },
    async createModel(context) {
      if (library === undefined)
        throw new InferenceServerError('INTERNAL', `backend 'onnxruntime' was not started`);
      return createOnnxModel(await library, context);
    },
  });
}

/** A model version in one thread. The thread's instances of one device share a session, as they take turns anyway. */
function createOnnxModel(ort: Ort, context: ModelContext): BackendModel {
  const sessions = new Map<string, Promise<OrtSession>>();
  const sessionOn = (device: SessionDevice, config: ModelConfig): Promise<OrtSession> => {
    const key = device.kind === 'KIND_GPU' ? `gpu ${device.deviceId}` : 'cpu';
    const open = sessions.get(key);
    if (open !== undefined) return open;
    const opening = openSession(ort, context, config, device);
    sessions.set(key, opening);
    return opening;
  };
  const { 'default-max-batch-size': defaultMaxBatchSize } = readOnnxSettings(context);
  return {
    async completeConfig(config) {
      const session = await sessionOn(CPU, config);
      return completeModelIo(config, toModelTensors(session, config), { defaultMaxBatchSize });
    },
    async validateConfig(config) {
      const session = await sessionOn(CPU, config);
      checkModelIo(config, toModelTensors(session, config));
    },
    async createInstance({ kind, deviceId, config }) {
      return createOnnxInstance(await sessionOn({ kind, deviceId }, config), config);
    },
    async close() {
      const open = await Promise.allSettled(sessions.values());
      sessions.clear();
      for (const session of open) if (session.status === 'fulfilled') await session.value.dispose();
    },
  };
}

async function openSession(
  ort: Ort,
  context: ModelContext,
  config: ModelConfig,
  device: SessionDevice,
): Promise<OrtSession> {
  const path = findModelFile(context, config);
  const options = createSessionOptions(context, config, device, ort.providers);
  if (options.intraOpNumThreads === 0) {
    // A thousand tiny models would otherwise bring a thousand idle threads.
    options.intraOpNumThreads = isTinyModel(path) ? 1 : shareOfCores(config, availableParallelism());
  }
  try {
    return await ort.createSession(path, options);
  } catch (error) {
    throw fromOrtError(error);
  }
}
