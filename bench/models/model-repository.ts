import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { affineOnnx } from './affine-onnx.ts';

/** Name of the model that gives back what it gets: FP32 [n], without batching. */
export const IDENTITY = 'identity';

/** What is served under that name; other models take its tensors over. */
export const IDENTITY_CONFIG = `backend: "identity"
max_batch_size: 0
input [ { name: "X" data_type: TYPE_FP32 dims: [ -1 ] } ]
output [ { name: "Y" data_type: TYPE_FP32 dims: [ -1 ] } ]
`;

/** How a model batches. */
export interface AffineModel {
  readonly maxBatchSize: number;
  /** `dynamic_batching` or `sequence_batching`, as in config.pbtxt. */
  readonly scheduler: string;
}

const DYNAMIC: AffineModel = {
  maxBatchSize: 64,
  scheduler: 'dynamic_batching { max_queue_delay_microseconds: 100 }',
};

const affineConfig = ({ maxBatchSize, scheduler }: AffineModel): string => `backend: "onnxruntime"
max_batch_size: ${maxBatchSize}
input [ { name: "X" data_type: TYPE_FP32 dims: [ -1 ] } ]
output [ { name: "Y" data_type: TYPE_FP32 dims: [ -1 ] } ]
${scheduler}
`;

/** A new, empty model repository in a folder. */
export function createRepository(directory: string): string {
  return mkdtempSync(join(directory, 'models-'));
}

export function addIdentity(repository: string): void {
  addModel(repository, IDENTITY, IDENTITY_CONFIG);
}

/** Adds a copy of the identity model whose answers are kept in the response cache. */
export function addCachedIdentity(repository: string, name: string): void {
  addModel(repository, name, `${IDENTITY_CONFIG}response_cache { enable: true }\n`);
}

/** Adds an ensemble that sends X through the identity model so many times. */
export function addIdentityChain(repository: string, name: string, length: number): void {
  const tensor = (at: number): string => (at === 0 ? 'X' : at === length ? 'Y' : `t${at}`);
  const steps = Array.from(
    { length },
    (_, at) =>
      `{ model_name: "${IDENTITY}" model_version: -1 input_map { key: "X" value: "${tensor(at)}" } ` +
      `output_map { key: "Y" value: "${tensor(at + 1)}" } }`,
  );
  const config = IDENTITY_CONFIG.replace('backend: "identity"', 'platform: "ensemble"');
  addModel(repository, name, `${config}ensemble_scheduling { step [ ${steps.join(', ')} ] }\n`);
}

/** Adds a tiny ONNX model, y = 2 x + 1 on FP32 [batch, n]; unless told otherwise, it batches dynamically. */
export function addAffine(repository: string, name: string, model: AffineModel = DYNAMIC): void {
  writeFileSync(join(addModel(repository, name, affineConfig(model)), 'model.onnx'), affineOnnx());
}

/** Returns the folder of the model's version 1. */
export function addModel(repository: string, name: string, config: string): string {
  const version = join(repository, name, '1');
  mkdirSync(version, { recursive: true });
  writeFileSync(join(repository, name, 'config.pbtxt'), config);
  return version;
}
