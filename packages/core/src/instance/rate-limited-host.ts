import type { ConfigCompletion, InstanceContext } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { InferenceRequest } from '../request/inference-request.ts';
import { errorResponse } from '../response/inference-response.ts';
import type { LimitedInstance, RateLimiter, RateLimitSlot } from '../scheduler/rate-limiter.ts';
import type { BatchSink, HostedInstance, InstanceHost } from './instance-host.ts';

/** Hands out instances that execute only while they hold the resources of their group. */
export class RateLimitedHost implements InstanceHost {
  readonly #host: InstanceHost;
  readonly #limiter: RateLimiter;

  constructor(host: InstanceHost, limiter: RateLimiter) {
    this.#host = host;
    this.#limiter = limiter;
  }

  completeConfig(): Promise<ConfigCompletion | undefined> {
    return this.#host.completeConfig();
  }

  validateConfig(config: ModelConfig): Promise<void> {
    return this.#host.validateConfig(config);
  }

  /** @throws InferenceServerError when there is less of a resource than the instance needs. */
  async createInstance(context: InstanceContext): Promise<HostedInstance> {
    const slot = this.#limiter.register(limitOf(context));
    try {
      return new RateLimitedInstance(await this.#host.createInstance(context), slot);
    } catch (error) {
      slot.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#host.close();
  }
}

/** A batch that waits for the resources. */
interface WaitingBatch {
  readonly requests: readonly InferenceRequest[];
  readonly sink: BatchSink;
}

class RateLimitedInstance implements HostedInstance {
  readonly #instance: HostedInstance;
  readonly #slot: RateLimitSlot;
  #waiting: WaitingBatch | undefined;

  constructor(instance: HostedInstance, slot: RateLimitSlot) {
    this.#instance = instance;
    this.#slot = slot;
  }

  execute(requests: readonly InferenceRequest[], sink: BatchSink): void {
    this.#waiting = { requests, sink };
    this.#slot.acquire(() => {
      this.#waiting = undefined;
      this.#instance.execute(requests, {
        onResponse: (index, response, final) => sink.onResponse(index, response, final),
        onReschedule: (index, states) => sink.onReschedule(index, states),
        // The model's next batch, which the scheduler brings when it hears of the end, competes with the others.
        onDone: (times, failed) => this.#slot.release(() => sink.onDone(times, failed)),
      });
    });
  }

  isReady(): Promise<boolean> {
    return this.#instance.isReady();
  }

  async close(): Promise<void> {
    this.#slot.close();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) refuse(waiting);
    await this.#instance.close();
  }
}

function refuse({ requests, sink }: WaitingBatch): void {
  const error = new InferenceServerError('UNAVAILABLE', 'the model instance was closed');
  sink.onDone({ inputNs: 0, inferNs: 0, outputNs: 0 }, true);
  requests.forEach((_, index) => sink.onResponse(index, errorResponse(error), true));
}

/** What the group of an instance, `<group>_<index>`, asks for. */
function limitOf({ config, instanceName, deviceId }: InstanceContext): LimitedInstance {
  const groupName = instanceName.replace(/_\d+$/, '');
  const limiter = config.instance_group.find(({ name }) => name === groupName)?.rate_limiter;
  const needs = (limiter?.resources ?? []).map(({ name, global, count }) => ({
    name,
    count,
    device: global ? undefined : deviceId,
  }));
  return { instanceName, needs, priority: limiter?.priority ?? 0 };
}
