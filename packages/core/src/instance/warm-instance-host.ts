import type { ConfigCompletion, InstanceContext, Logger } from '@nereid/backend-sdk';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { HostedInstance, InstanceHost } from './instance-host.ts';
import { warmUp, type WarmedModel } from './warmup.ts';
import { readWarmupSamples } from './warmup-samples.ts';

/** Whose instances are warmed up. */
export interface WarmInstanceHostOptions extends WarmedModel {
  readonly modelDirectory: string;
  readonly logger: Logger;
}

/** Hands out instances that have executed the model's warm-up samples. */
export class WarmInstanceHost implements InstanceHost {
  readonly #host: InstanceHost;
  readonly #options: WarmInstanceHostOptions;

  constructor(host: InstanceHost, options: WarmInstanceHostOptions) {
    this.#host = host;
    this.#options = options;
  }

  completeConfig(): Promise<ConfigCompletion | undefined> {
    return this.#host.completeConfig();
  }

  validateConfig(config: ModelConfig): Promise<void> {
    return this.#host.validateConfig(config);
  }

  /** @throws InferenceServerError when the instance can't be made, or a sample fails on it. */
  async createInstance(context: InstanceContext): Promise<HostedInstance> {
    const { modelDirectory, logger, name } = this.#options;
    const samples = await readWarmupSamples(context.config, modelDirectory);
    const instance = await this.#host.createInstance(context);
    try {
      await warmUp(instance, samples, this.#options);
    } catch (error) {
      await instance.close();
      throw error;
    }
    for (const sample of samples)
      logger.verbose(1, `warmup sample '${sample.name}' of model '${name}' ran on ${context.instanceName}`);
    return instance;
  }

  close(): Promise<void> {
    return this.#host.close();
  }
}
