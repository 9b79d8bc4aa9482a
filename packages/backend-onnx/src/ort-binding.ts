/**
 * The ONNX Runtime library as this backend uses it, and the only file that knows how it is reached.
 *
 * The library's public `run()` waits for the event loop and then blocks all the same; a tiny model takes 17 us that
 * way and 9 us without the wait. So its native binding is called directly, and the public API where a release has
 * moved the binding elsewhere.
 */
import { createRequire } from 'node:module';
import type * as PublicApi from 'onnxruntime-node';

// The Linux library has a telemetry client that is on by default and reads this from the process's environment.
// Only the main thread's process.env reaches that, so it is set where the server imports every backend first, not
// where the library is loaded: in a worker thread that would change a copy.
process.env['ORT_DISABLE_TELEMETRY'] = '1';

/** What a tensor's elements are to the library: typed arrays, strings for `string`. */
export type OrtData = ArrayBufferView | readonly string[];

/** A tensor as the library takes and returns it. */
export interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly location: 'cpu';
  readonly data: OrtData;
}

/** An input or output of a model. */
export interface OrtValueInfo {
  readonly name: string;
  /** False for sequences, maps, optionals and sparse tensors. */
  readonly isTensor: boolean;
  /** Number of the element type in `onnx.proto`; 0 when it is no tensor. */
  readonly elementType: number;
  /** -1: variable. */
  readonly shape: readonly number[];
}

/** Tensors by name. */
export type OrtTensors = Readonly<Record<string, OrtTensor>>;

/** A loaded model. Runs block the thread. */
export interface OrtSession {
  readonly inputs: readonly OrtValueInfo[];
  readonly outputs: readonly OrtValueInfo[];
  /** @param fetches - Names of the wanted outputs, each with null. */
  run(feeds: OrtTensors, fetches: Readonly<Record<string, null>>): OrtTensors | Promise<OrtTensors>;
  dispose(): void | Promise<void>;
}

/** The library's session options. */
export type OrtSessionOptions = PublicApi.InferenceSession.SessionOptions;

/** The loaded library. */
export interface Ort {
  /** Execution providers that it was built with. */
  readonly providers: readonly string[];
  /** @param model - Path of the model's file, or what is in it. */
  createSession(model: string | Uint8Array, options: OrtSessionOptions): OrtSession | Promise<OrtSession>;
}

/** Loads the library into this thread. */
export async function loadOrt(): Promise<Ort> {
  return loadBinding() ?? loadPublicApi();
}

interface BindingValueInfo {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type: number;
  readonly shape: readonly number[];
}

interface BindingSession {
  loadModel(path: string, options: OrtSessionOptions): void;
  loadModel(
    buffer: ArrayBufferLike,
    byteOffset: number,
    byteLength: number,
    options: OrtSessionOptions,
  ): void;
  readonly inputMetadata: readonly BindingValueInfo[];
  readonly outputMetadata: readonly BindingValueInfo[];
  run(feeds: OrtTensors, fetches: Readonly<Record<string, null>>): OrtTensors;
  dispose(): void;
}

interface BindingModule {
  readonly initOrt: () => void;
  readonly binding: {
    readonly InferenceSession: new () => BindingSession;
    readonly listSupportedBackends: () => readonly { readonly name: string }[];
  };
}

/** The library through its native binding; undefined where this release has none at that place. */
export function loadBinding(): Ort | undefined {
  const module = requireBinding();
  if (module === undefined) return undefined;
  const { binding, initOrt } = module;
  initOrt();
  return {
    providers: binding.listSupportedBackends().map(({ name }) => name),
    createSession(model, options) {
      const session = new binding.InferenceSession();
      if (typeof model === 'string') session.loadModel(model, options);
      else session.loadModel(model.buffer, model.byteOffset, model.byteLength, options);
      return {
        inputs: session.inputMetadata.map(fromBindingInfo),
        outputs: session.outputMetadata.map(fromBindingInfo),
        run: (feeds, fetches) => session.run(feeds, fetches),
        dispose: () => session.dispose(),
      };
    },
  };
}

function requireBinding(): BindingModule | undefined {
  const require = createRequire(import.meta.url);
  let path: string;
  try {
    path = require.resolve('onnxruntime-node/dist/binding.js');
  } catch {
    return undefined;
  }
  const module: unknown = require(path);
  return isBindingModule(module) ? module : undefined;
}

function isBindingModule(module: unknown): module is BindingModule {
  const { initOrt, binding } = module as { initOrt?: unknown; binding?: Record<string, unknown> };
  return (
    typeof initOrt === 'function' &&
    typeof binding?.['InferenceSession'] === 'function' &&
    typeof binding['listSupportedBackends'] === 'function'
  );
}

function fromBindingInfo({ name, isTensor, type, shape }: BindingValueInfo): OrtValueInfo {
  return { name, isTensor, elementType: isTensor ? type : 0, shape: isTensor ? shape : [] };
}

/** The library through its public API. */
export async function loadPublicApi(): Promise<Ort> {
  const { InferenceSession, listSupportedBackends } = await import('onnxruntime-node');
  return {
    providers: listSupportedBackends().map(({ name }) => name),
    async createSession(model, options) {
      const session =
        typeof model === 'string'
          ? await InferenceSession.create(model, options)
          : await InferenceSession.create(model, options);
      return {
        inputs: session.inputMetadata.map(fromPublicInfo),
        outputs: session.outputMetadata.map(fromPublicInfo),
        // Plain objects are all that the binding below looks at; the public types ask for its Tensor class.
        run: (feeds, fetches) =>
          session.run(
            feeds as unknown as PublicApi.InferenceSession.FeedsType,
            fetches,
          ) as unknown as Promise<OrtTensors>,
        dispose: () => session.release(),
      };
    },
  };
}

function fromPublicInfo(info: PublicApi.InferenceSession.ValueMetadata): OrtValueInfo {
  const { name, isTensor } = info;
  if (!isTensor) return { name, isTensor, elementType: 0, shape: [] };
  const elementType = PUBLIC_TYPES.indexOf(info.type);
  return {
    name,
    isTensor,
    elementType,
    shape: info.shape.map((dim) => (typeof dim === 'number' ? dim : -1)),
  };
}

/** The library's names of element types, at their numbers in `onnx.proto`. */
const PUBLIC_TYPES: readonly string[] = [
  '',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
];
