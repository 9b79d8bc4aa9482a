import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { ModelConfig, ModelContext } from '@nereid/backend-sdk';
import { hasNothingToFuse } from './graph-operators.ts';
import type { ModelFile } from './model-file.ts';
import type { Ort, OrtSession } from './ort-binding.ts';
import { fromOrtError } from './ort-error.ts';
import { createSessionOptions, shareOfCores, type SessionDevice } from './session-options.ts';

/** What a session is made of. */
export interface SessionParts {
  readonly context: ModelContext;
  readonly config: ModelConfig;
  readonly device: SessionDevice;
  readonly file: ModelFile;
  /** What was in the file when the model was loaded; undefined: it is read now. */
  readonly bytes?: Uint8Array | undefined;
}

/** @throws InferenceServerError INTERNAL with what the library says of the file. */
export async function openSession(
  ort: Ort,
  { context, config, device, file, bytes }: SessionParts,
): Promise<OrtSession> {
  const options = createSessionOptions(context, config, device, ort.providers);
  if (options.intraOpNumThreads === 0) {
    // A thousand tiny models would otherwise bring a thousand idle threads.
    options.intraOpNumThreads = file.isTiny ? 1 : shareOfCores(config, availableParallelism());
  }
  if (options.graphOptimizationLevel === 'all' && file.isTiny && hasNothingToFuse(bytes ?? readOf(file)))
    options.graphOptimizationLevel = 'basic';
  try {
    return await ort.createSession(bytes ?? file.path, options);
  } catch (error) {
    throw fromOrtError(error);
  }
}

/** What is in a file; nothing of one that can't be read, of which the library will say so. */
function readOf({ path }: ModelFile): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    return new Uint8Array();
  }
}
