import { dynamicBatching } from './dynamic-batching.ts';
import { ensemble } from './ensemble.ts';
import { grpcIdentity } from './grpc-identity.ts';
import { grpcTransport } from './grpc-transport.ts';
import { httpIdentity } from './http-identity.ts';
import { intraOpThreads } from './intra-op-threads.ts';
import { largeTensors } from './large-tensors.ts';
import { llmDisconnect } from './llm-disconnect.ts';
import { llmFirstToken } from './llm-first-token.ts';
import { llmSaturation } from './llm-saturation.ts';
import { llmStreams } from './llm-streams.ts';
import { loadUnload } from './load-unload.ts';
import { manyModels } from './many-models.ts';
import { memory } from './memory.ts';
import { onnxCompute } from './onnx-compute.ts';
import { python } from './python.ts';
import { pythonTriton } from './python-triton.ts';
import { queueDelay } from './queue-delay.ts';
import { responseCache } from './response-cache.ts';
import type { Scenario } from './scenario.ts';
import { sharedMemory } from './shared-memory.ts';
import { sequences } from './sequences.ts';
import { startUp } from './start-up.ts';
import { tinyOnnx } from './tiny-onnx.ts';

/** In the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  httpIdentity,
  grpcIdentity,
  tinyOnnx,
  grpcTransport,
  dynamicBatching,
  onnxCompute,
  queueDelay,
  intraOpThreads,
  largeTensors,
  sharedMemory,
  ensemble,
  sequences,
  responseCache,
  python,
  pythonTriton,
  llmFirstToken,
  llmSaturation,
  llmStreams,
  llmDisconnect,
  startUp,
  memory,
  manyModels,
  loadUnload,
];
