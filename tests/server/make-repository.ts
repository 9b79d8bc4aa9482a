import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './start-server.ts';

/** The tiny models of tests/models/make-models.py. */
const ONNX_MODELS = join(ROOT, 'packages/backend-onnx/test/models');

/** A model repository in a temporary folder, which disposing of it deletes. */
export interface TemporaryRepository extends AsyncDisposable {
  readonly path: string;
  /** Adds or replaces files of a model, by path within it: `{ 'config.pbtxt': '…' }`. */
  write(model: string, files: Readonly<Record<string, string>>): void;
  /** Copies a version of one of our tiny ONNX models, by default without a configuration. */
  addOnnx(model: string, source?: string, files?: Readonly<Record<string, string>>): void;
  remove(model: string): void;
}

/** Makes an empty model repository. */
export function makeRepository(): TemporaryRepository {
  const path = mkdtempSync(join(tmpdir(), 'nereid-repository-'));
  const write: TemporaryRepository['write'] = (model, files) => {
    for (const [name, text] of Object.entries(files)) {
      const file = join(path, model, name);
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, text);
    }
  };
  const remove = (model: string): void => rmSync(join(path, model), { recursive: true, force: true });
  return {
    path,
    write,
    addOnnx: (model, source = model, files = {}) => {
      cpSync(join(ONNX_MODELS, source), join(path, model), { recursive: true });
      write(model, files);
    },
    remove,
    [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true, force: true }),
  };
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
export function identityModel(model: IdentityModel = {}): Readonly<Record<string, string>> {
  const { dataType = 'TYPE_INT32', dims = [-1], maxBatchSize = 0, delayMs = 0, more = '' } = model;
  const tensor = (name: string): string => `[{ name: "${name}" data_type: ${dataType} dims: [${dims.join()}] }]`;
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
