import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cnnOnnx } from './cnn-onnx.ts';
import { mlpOnnx } from './mlp-onnx.ts';
import { addModel } from './model-repository.ts';

/** A model that has something to compute: FP32, one input X and one output Y. */
export interface MeasuredOnnx {
  readonly title: string;
  /** Of one request, without the batch. */
  readonly inputDims: readonly number[];
  readonly outputDims: readonly number[];
  readonly maxBatchSize: number;
  bytes(): Uint8Array;
}

export const MLP: MeasuredOnnx = {
  title: 'MLP 512-1024-1024-256',
  inputDims: [512],
  outputDims: [256],
  maxBatchSize: 64,
  bytes: mlpOnnx,
};

export const CNN: MeasuredOnnx = {
  title: 'CNN of 1 GFLOP',
  inputDims: [3, 224, 224],
  outputDims: [1000],
  maxBatchSize: 16,
  bytes: cnnOnnx,
};

/** How a model is served. */
export interface OnnxServing {
  /** Default: 100. */
  readonly queueDelayUs?: number;
  /** Default: 1. */
  readonly instances?: number;
  /** Threads of one operator. Default: the server's default. */
  readonly intraOpThreads?: number;
}

/** Adds a model that batches dynamically. Returns the path of its `model.onnx`. */
export function addMeasuredOnnx(
  repository: string,
  name: string,
  model: MeasuredOnnx,
  { queueDelayUs = 100, instances = 1, intraOpThreads }: OnnxServing = {},
): string {
  const threads =
    intraOpThreads === undefined
      ? ''
      : `parameters { key: "intra_op_thread_count" value { string_value: "${intraOpThreads}" } }\n`;
  const version = addModel(
    repository,
    name,
    `backend: "onnxruntime"
max_batch_size: ${model.maxBatchSize}
input [ { name: "X" data_type: TYPE_FP32 dims: [ ${model.inputDims.join(', ')} ] } ]
output [ { name: "Y" data_type: TYPE_FP32 dims: [ ${model.outputDims.join(', ')} ] } ]
instance_group [ { count: ${instances} kind: KIND_CPU } ]
dynamic_batching { max_queue_delay_microseconds: ${queueDelayUs} }
${threads}`,
  );
  const path = join(version, 'model.onnx');
  writeFileSync(path, model.bytes());
  return path;
}
