import { readFileSync } from 'node:fs';
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
import { createLateInstance } from './late-instance.ts';
import { findModelFile } from './model-file.ts';
import { openSession, type SessionParts } from './open-session.ts';
import { loadOrt, type Ort, type OrtSession } from './ort-binding.ts';
import { ONNX_SETTINGS, readOnnxSettings, type SessionDevice } from './session-options.ts';

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
  const open = (parts: Omit<SessionParts, 'context'>): Promise<OrtSession> => {
    const key = keyOf(parts.device);
    const known = sessions.get(key);
    if (known !== undefined) return known;
    const opening = openSession(ort, { context, ...parts });
    sessions.set(key, opening);
    opening.catch(() => sessions.delete(key));
    return opening;
  };
  const firstSession = (config: ModelConfig): Promise<OrtSession> =>
    sessions.get(keyOf(CPU)) ?? open({ config, device: CPU, file: findModelFile(context, config) });
  const { 'default-max-batch-size': defaultMaxBatchSize } = readOnnxSettings(context);
  return {
    async completeConfig(config) {
      const session = await firstSession(config);
      return completeModelIo(config, toModelTensors(session, config), { defaultMaxBatchSize });
    },
    async validateConfig(config) {
      const session = await firstSession(config);
      checkModelIo(config, toModelTensors(session, config));
    },
    async createInstance({ kind, deviceId, config }) {
      const device = { kind, deviceId };
      const known = sessions.get(keyOf(device));
      if (known !== undefined) return createOnnxInstance(await known, config);
      const parts = { config, device, file: findModelFile(context, config) };
      if (!parts.file.isTiny || kind === 'KIND_GPU') return createOnnxInstance(await open(parts), config);
      // Another thread has found the model to be good: it was asked for the configuration. The bytes are those of now,
      // whatever becomes of the file.
      const bytes = readFileSync(parts.file.path);
      return createLateInstance(async () => createOnnxInstance(await open({ ...parts, bytes }), config));
    },
    async close() {
      const opened = await Promise.allSettled(sessions.values());
      sessions.clear();
      for (const session of opened) if (session.status === 'fulfilled') await session.value.dispose();
    },
  };
}

function keyOf({ kind, deviceId }: SessionDevice): string {
  return kind === 'KIND_GPU' ? `gpu ${deviceId}` : 'cpu';
}
