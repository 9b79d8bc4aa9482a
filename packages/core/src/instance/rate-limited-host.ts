import type { ConfigCompletion, InstanceContext } from '@nereid/backend-sdk';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { InferenceRequest } from '../request/inference-request.ts';
import type { LimitedInstance, RateLimiter, RateLimitSlot } from '../scheduler/rate-limiter.ts';
import type { BatchSink, HostedInstance, InstanceHost } from './instance-host.ts';

/** Hands out instances that have a place in the rate limiter, with the resources and the priority of their group. */
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

class RateLimitedInstance implements HostedInstance {
  readonly rateLimit: RateLimitSlot;
  readonly #instance: HostedInstance;

  constructor(instance: HostedInstance, slot: RateLimitSlot) {
    this.#instance = instance;
    this.rateLimit = slot;
  }

  execute(requests: readonly InferenceRequest[], sink: BatchSink): void {
    this.#instance.execute(requests, sink);
  }

  isReady(): Promise<boolean> {
    return this.#instance.isReady();
  }

  close(): Promise<void> {
    this.rateLimit.close();
    return this.#instance.close();
  }
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
