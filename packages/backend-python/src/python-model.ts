import { dirname } from 'node:path';
import {
  readModelParameters,
  type BackendModel,
  type BackendModelInstance,
  type ConfigCompletion,
  type InstanceContext,
  type ModelConfig,
  type ModelContext,
} from '@nereid/backend-sdk';
import { toCompletion } from './complete-config.ts';
import { findEnvironmentSource, findRequirements } from './environment/environment-source.ts';
import {
  preparePythonEnvironment,
  type PythonEnvironment,
} from './environment/prepare-python-environment.ts';
import type { OwnSettings } from './manifest-settings.ts';
import type { FindModelCode, ModelCode } from './model-code.ts';
import type { PythonSettings } from './python-settings.ts';
import { PythonInstance, type LoadedStub } from './python-instance.ts';
import { readStubLimits } from './stub-limits.ts';
import { StubProcess } from './stub-process.ts';

/** What a model has of its backend. */
export interface PythonModelBackend {
  readonly settings: PythonSettings;
  /** Those that a Python-based backend declares itself, for its `model.py`. */
  readonly ownSettings: OwnSettings;
  readonly findCode: FindModelCode;
}

/** A version of a Python model. The process that completed its configuration becomes its first instance. */
export class PythonModel implements BackendModel {
  readonly #context: ModelContext;
  readonly #backend: PythonModelBackend;
  #spare: Promise<LoadedStub> | undefined;
  #environment: Promise<PythonEnvironment> | undefined;

  constructor(context: ModelContext, backend: PythonModelBackend) {
    this.#context = context;
    this.#backend = backend;
  }

  async completeConfig(config: ModelConfig): Promise<ConfigCompletion> {
    this.#spare ??= this.#load(config);
    const { stub, abilities } = await this.#spare;
    if (!abilities.auto_complete) return {};
    return toCompletion(await stub.call('auto_complete', config), config);
  }

  async createInstance(context: InstanceContext): Promise<BackendModelInstance> {
    const load = (): Promise<LoadedStub> => {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare ?? this.#load(context.config);
    };
    const instance = new PythonInstance(this.#context, context, load);
    await instance.start();
    return instance;
  }

  async close(): Promise<void> {
    const spare = this.#spare;
    this.#spare = undefined;
    const loaded = await spare?.catch(() => undefined);
    await loaded?.stub.close();
  }

  /** Starts a process and has it import the model. */
  async #load(config: ModelConfig): Promise<LoadedStub> {
    const { modelName, versionDirectory, logger, metrics, models, allocate } = this.#context;
    const { settings, ownSettings, findCode } = this.#backend;
    assertInputMemory(config);
    const code = await findCode(this.#context, config);
    const limits = readStubLimits(config, settings);
    const { interpreter, variables } = await this.#prepare(code, config);
    const stub = new StubProcess({
      interpreter,
      environment: variables,
      modelName,
      limits,
      spinMicroseconds: settings.spinMicroseconds,
      services: { logger, metrics, models, allocate, shareMemory: () => this.#context.shareMemory?.() },
    });
    try {
      const value = {
        ...code,
        model_directory: versionDirectory,
        memory_limit: limits.memoryBytes,
        spin_microseconds: settings.spinMicroseconds,
        settings: ownSettings,
        requirements_left: await this.#requirementsLeft(code),
      };
      return { stub, abilities: (await stub.call('load', value)) as LoadedStub['abilities'] };
    } catch (error) {
      await stub.close();
      throw error;
    }
  }

  /** Once for all instances; a failure is tried again by the next one. */
  #prepare(code: ModelCode, config: ModelConfig): Promise<PythonEnvironment> {
    this.#environment ??= this.#prepareOnce(code, config).catch((error: unknown) => {
      this.#environment = undefined;
      throw error;
    });
    return this.#environment;
  }

  /** Files with requirements that a setting leaves alone: what the interpreter must have by itself. */
  async #requirementsLeft({ file }: ModelCode): Promise<readonly string[]> {
    if (this.#backend.settings.requirements === 'install') return [];
    return findRequirements({ context: this.#context, codeDirectory: dirname(file) });
  }

  async #prepareOnce(code: ModelCode, config: ModelConfig): Promise<PythonEnvironment> {
    const context = this.#context;
    const { modelName, logger, signal } = context;
    const { interpreter, requirements, environment: settings } = this.#backend.settings;
    const readsRequirements = requirements === 'install';
    const query = { context, config, codeDirectory: dirname(code.file), interpreter, readsRequirements };
    const source = await findEnvironmentSource(query);
    if (source.kind === 'folder' || source.kind === 'archive') {
      for (const file of await findRequirements(query))
        logger.info(`${file} is not installed: EXECUTION_ENV_PATH names an environment`, {
          model: modelName,
        });
    }
    return preparePythonEnvironment({ modelName, source, settings, logger, signal });
  }
}

/**
 * Inputs are in the CPU's memory whatever `FORCE_CPU_ONLY_INPUT_TENSORS` says, as with a Triton whose requests bring
 * none of a GPU.
 *
 * @throws InferenceServerError INVALID_ARG when it says neither yes nor no.
 */
function assertInputMemory(config: ModelConfig): void {
  readModelParameters(config, { FORCE_CPU_ONLY_INPUT_TENSORS: { type: 'string', oneOf: ['yes', 'no'] } });
}
