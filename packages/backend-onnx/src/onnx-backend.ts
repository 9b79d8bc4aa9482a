import { readFileSync } from 'node:fs';
import {
  checkModelIo,
  completeModelIo,
  defineBackend,
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

/** The backend. A thread loads the library for its first model, or for the first batch when all its models are tiny and asked elsewhere. */
function createOnnxBackend(): Backend {
  let library: Promise<Ort> | undefined;
  const load = (): Promise<Ort> => {
    library ??= loadOrt().catch((error: unknown) => {
      library = undefined;
      throw error;
    });
    return library;
  };
  return defineBackend({
    name: 'onnxruntime',
    platform: 'onnxruntime_onnx',
    instanceHost: 'executor-thread',
    defaultModelFilename: 'model.onnx',
    defaultInstanceCount: 2,
    settings: ONNX_SETTINGS,
    start(context) {
      if (readOnnxSettings(context)['enable-global-threadpool']) {
        context.logger.warning(
          "setting 'enable-global-threadpool': thread counts are taken from the backend's settings, " +
            'but each model has threads of its own',
        );
      }
    },
    async createModel(context) {
      // The thread that is asked for the configuration comes to need it at once, the others only where they have a session to open.
      if (library === undefined && !isTiny(context)) await load();
      return createOnnxModel(load, context);
    },
  });
}

/** A model version in one thread. The thread's instances of one device share a session, as they take turns anyway. */
function createOnnxModel(load: () => Promise<Ort>, context: ModelContext): BackendModel {
  const sessions = new Map<string, Promise<OrtSession>>();
  const open = (parts: Omit<SessionParts, 'context'>): Promise<OrtSession> => {
    const key = keyOf(parts.device);
    const known = sessions.get(key);
    if (known !== undefined) return known;
    const opening = load().then((ort) => openSession(ort, { context, ...parts }));
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

/** Whether a model's file is tiny. Of one that is not there it will be said when it is wanted. */
function isTiny(context: ModelContext): boolean {
  try {
    return findModelFile(context, context.config).isTiny;
  } catch {
    return false;
  }
}

function keyOf({ kind, deviceId }: SessionDevice): string {
  return kind === 'KIND_GPU' ? `gpu ${deviceId}` : 'cpu';
}
