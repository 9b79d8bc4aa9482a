import { InferenceServerError } from '@nereid/protocol';
import { InferenceRequest, PLAIN_REQUEST } from '../request/inference-request.ts';
import type { BatchSink, HostedInstance } from './instance-host.ts';
import type { WarmupSample } from './warmup-samples.ts';

/** Whose samples are executed. */
export interface WarmedModel {
  readonly name: string;
  readonly version: string;
}

/**
 * Executes the samples on an instance, one after the other, so that it is ready when the first request comes
 * (SCH-39). Nothing of it is counted.
 *
 * @throws InferenceServerError INVALID_ARG naming the first sample that failed, and why.
 */
export async function warmUp(
  instance: HostedInstance,
  samples: readonly WarmupSample[],
  model: WarmedModel,
): Promise<void> {
  for (const sample of samples) {
    for (let round = 0; round < sample.count; round += 1) {
      const errors = await executeSample(instance, sample, model);
      if (errors.length === 0) continue;
      const reasons = [...new Set(errors.map(({ message }) => message))].join('; ');
      throw new InferenceServerError(
        'INVALID_ARG',
        `failed to run warmup sample '${sample.name}': ${reasons}`,
        {
          cause: errors[0],
        },
      );
    }
  }
}

/** One batch of requests with the same inputs. Resolves with the errors it was answered with. */
function executeSample(
  instance: HostedInstance,
  { inputs, batchSize }: WarmupSample,
  { name: modelName, version: modelVersion }: WarmedModel,
): Promise<readonly InferenceServerError[]> {
  const errors: InferenceServerError[] = [];
  let open = batchSize;
  let isDone = false;
  return new Promise((resolve) => {
    const end = (): void => {
      if (isDone && open === 0) resolve(errors);
    };
    const fields = { ...PLAIN_REQUEST, modelName, modelVersion, inputs };
    const requests = Array.from({ length: batchSize }, () => new InferenceRequest(fields, () => {}));
    const sink: BatchSink = {
      onResponse: (index, response, final) => {
        if (response?.error !== undefined) errors.push(response.error);
        if (final) open -= 1;
        requests[index]?.respond(response, final);
        end();
      },
      // One step of an iterative sequence is enough.
      onReschedule: () => {
        open -= 1;
        end();
      },
      onDone: () => {
        isDone = true;
        instance.rateLimit?.release(() => {});
        end();
      },
    };
    const { rateLimit } = instance;
    const execute = (): void => instance.execute(requests, sink);
    if (rateLimit === undefined) execute();
    else rateLimit.acquire(execute);
  });
}
