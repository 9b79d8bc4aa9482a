import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from './start-server.ts';

/** The tiny models of tests/models/make-models.py. */
const ONNX_MODELS = join(ROOT, 'packages/backend-onnx/test/models');

/** Files by path within a model's folder: `{ 'config.pbtxt': '…' }`. */
export type ModelFiles = Readonly<Record<string, string>>;

/** A model repository in a temporary folder, which disposing of it deletes. Changes appear all at once. */
export interface TemporaryRepository extends AsyncDisposable {
  readonly path: string;
  /** Adds or replaces files of a model. */
  write(model: string, files: ModelFiles): void;
  /** Copies one of our tiny ONNX models, which has no configuration. */
  addOnnx(model: string, source?: string, files?: ModelFiles): void;
  /** Copies version 1 of a tiny ONNX model as another version of a model. */
  addVersion(model: string, version: number, source: string): void;
  remove(model: string): void;
}

/** Makes an empty model repository. */
export function makeRepository(): TemporaryRepository {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-repository-'));
  const path = join(folder, 'models');
  const fresh = join(folder, 'fresh');
  mkdirSync(path);
  const moveTo = (target: string): void => {
    mkdirSync(dirname(target), { recursive: true });
    renameSync(fresh, target);
  };
  const write = (root: string, files: ModelFiles): void => {
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(fresh, text);
      moveTo(join(root, name));
    }
  };
  return {
    path,
    write: (model, files) => write(join(path, model), files),
    addOnnx: (model, source = model, files = {}) => {
      const complete = join(folder, 'complete');
      cpSync(join(ONNX_MODELS, source), complete, { recursive: true });
      write(complete, files);
      renameSync(complete, join(path, model));
    },
    addVersion: (model, version, source) => {
      cpSync(join(ONNX_MODELS, source, '1'), fresh, { recursive: true });
      moveTo(join(path, model, String(version)));
    },
    remove: (model) => rmSync(join(path, model), { recursive: true, force: true }),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What may be said of a model that adds up the inputs of a sequence: `INPUT` in, `OUTPUT`, `SEEN` and `ID` out. */
export interface SequenceModel {
  /** Fields of `sequence_batching`, the strategy among them. */
  readonly batching: string;
  /** Default: 4 */
  readonly maxBatchSize?: number;
  /** More lines of the configuration. */
  readonly more?: string;
}

/** The configuration of the ONNX model `sequence_sum` (tests/models/make-models.py). */
export function sequenceModel({ batching, maxBatchSize = 4, more = '' }: SequenceModel): string {
  const flag = (kind: string): string =>
    `control_input { name: "${kind}" control { kind: CONTROL_SEQUENCE_${kind} int32_false_true: [0, 1] } }`;
  return `
    backend: "onnxruntime"
    max_batch_size: ${maxBatchSize}
    input { name: "INPUT" data_type: TYPE_INT32 dims: [1] }
    output [
      { name: "OUTPUT" data_type: TYPE_INT32 dims: [1] },
      { name: "SEEN" data_type: TYPE_INT32 dims: [3] },
      { name: "ID" data_type: TYPE_INT64 dims: [1] }
    ]
    sequence_batching {
      ${['START', 'END', 'READY'].map(flag).join('\n')}
      control_input { name: "CORRID" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_INT64 } }
      state { input_name: "STATE_IN" output_name: "STATE_OUT" data_type: TYPE_INT32 dims: [1] }
      ${batching}
    }
    ${more}
  `;
}

/** What may be said of a model of the identity backend: `INPUT0` [-1] comes back as `OUTPUT0`. */
export interface IdentityModel {
  /** Default: TYPE_INT32 */
  readonly dataType?: string;
  /** Default: [-1] */
  readonly dims?: readonly number[];
  /** Default: 0, without a batch dimension. */
  readonly maxBatchSize?: number;
  /** How long an execution takes. Default: 0. */
  readonly delayMs?: number;
  /** More lines of the configuration. */
  readonly more?: string;
}

/** The files of a model of the identity backend. */
export function identityModel(model: IdentityModel = {}): ModelFiles {
  const { dataType = 'TYPE_INT32', dims = [-1], maxBatchSize = 0, delayMs = 0, more = '' } = model;
  const tensor = (name: string): string =>
    `[{ name: "${name}" data_type: ${dataType} dims: [${dims.join()}] }]`;
  const config = [
    'backend: "identity"',
    `max_batch_size: ${maxBatchSize}`,
    `input ${tensor('INPUT0')}`,
    `output ${tensor('OUTPUT0')}`,
    'instance_group [{ count: 1 kind: KIND_CPU }]',
    `parameters { key: "execute_delay_ms" value { string_value: "${delayMs}" } }`,
    more,
  ];
  return { 'config.pbtxt': `${config.join('\n')}\n`, '1/.keep': '' };
}
