import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { MissingBackend } from '../backend/backend-registry.ts';
import type { ModelLifecycle } from './model-lifecycle.ts';
import type { ModelOverride, ModelSource } from './model-source.ts';

/** Who decides which models are loaded: start-up alone, a look at the repository now and then, or the API. */
export type ControlMode = 'none' | 'poll' | 'explicit';

/** What the control of models needs. */
export interface ModelControlParts {
  readonly mode: ControlMode;
  /** Models to load at start in explicit mode; `*` for all. */
  readonly loadModels: readonly string[];
  /** Seconds between two looks in poll mode; 0: never. */
  readonly pollSecs: number;
  /** How many models load at a time. */
  readonly loadThreads: number;
  /** Whether a model whose backend is not installed is a failure like any other. */
  readonly requireBackends: boolean;
  readonly lifecycle: ModelLifecycle;
  readonly source: ModelSource;
  readonly logger: Logger;
}

/** Applies the control mode: loads at start, polls, and admits or refuses load and unload calls. */
export class ModelControl {
  readonly #parts: ModelControlParts;
  /** Fingerprint of each model when it was last loaded or tried. */
  readonly #tried = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();

  constructor(parts: ModelControlParts) {
    this.#parts = parts;
  }

  /**
   * Loads what is to be loaded at start.
   *
   * @returns Names and reasons of the models that failed.
   */
  async start(): Promise<ReadonlyMap<string, InferenceServerError>> {
    const { mode, loadModels, source, pollSecs } = this.#parts;
    const all = mode !== 'explicit' || loadModels.includes('*');
    const found = await source.list();
    const failed = await this.#loadAll(all ? [...found.keys()] : loadModels, found, all);
    if (mode === 'poll' && pollSecs > 0) {
      this.#timer = setInterval(() => {
        this.#polling = this.#polling.then(() => this.poll());
      }, pollSecs * 1000);
      this.#timer.unref();
    }
    return failed;
  }

  /** Loads a model because a client asks for it. */
  async load(name: string, override: ModelOverride): Promise<void> {
    this.#assertExplicit();
    assertModelName(name);
    const isPlain = override.config === undefined && override.files === undefined;
    await this.#parts.lifecycle.load(name, isPlain ? undefined : override);
  }

  /** Unloads a model because a client asks for it. */
  async unload(name: string, unloadDependents: boolean): Promise<void> {
    this.#assertExplicit();
    await this.#parts.lifecycle.unload(name, unloadDependents);
  }

  /** Looks at the repositories once and applies what changed. */
  async poll(): Promise<void> {
    const { lifecycle, source, logger } = this.#parts;
    try {
      const found = await source.list();
      for (const name of lifecycle.knownNames()) {
        if (found.has(name)) continue;
        await lifecycle.unload(name);
        lifecycle.forget(name);
        this.#tried.delete(name);
      }
      const changed = [...found].filter(([name, fingerprint]) => this.#tried.get(name) !== fingerprint);
      await this.#loadAll(
        changed.map(([name]) => name),
        found,
        true,
      );
    } catch (cause) {
      logger.error('failed to poll the model repository', { cause });
    }
  }

  /** Stops polling. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#polling;
  }

  async #loadAll(
    names: readonly string[],
    fingerprints: ReadonlyMap<string, string>,
    mayLackBackend: boolean,
  ): Promise<ReadonlyMap<string, InferenceServerError>> {
    const failed = new Map<string, InferenceServerError>();
    const waiting = [...names];
    const loadNext = async (): Promise<void> => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        this.#tried.set(name, fingerprints.get(name) ?? '');
        const error = await this.#tryLoad(name, mayLackBackend);
        if (error !== undefined) failed.set(name, error);
      }
    };
    await Promise.all(Array.from({ length: this.#parts.loadThreads }, loadNext));
    return failed;
  }

  async #tryLoad(name: string, mayLackBackend: boolean): Promise<InferenceServerError | undefined> {
    const { lifecycle, logger, requireBackends, source } = this.#parts;
    try {
      if (source.isStrict && (await source.isUnconfigured(name))) {
        logger.error(`model '${name}' has no configuration, which it must have without auto-completion`, {
          model: name,
        });
        return undefined;
      }
      await lifecycle.load(name);
      return undefined;
    } catch (error) {
      const missing = mayLackBackend && !requireBackends ? MissingBackend.causeOf(error) : undefined;
      if (missing === undefined) return InferenceServerError.from(error);
      lifecycle.leaveOut(name, missing.message);
      return undefined;
    }
  }

  #assertExplicit(): void {
    if (this.#parts.mode === 'explicit') return;
    throw new InferenceServerError(
      'UNAVAILABLE',
      'explicit model load / unload is not allowed if polling is enabled',
    );
  }
}

/** @throws InferenceServerError INVALID_ARG for names that could leave the repository (REPO-22). */
function assertModelName(name: string): void {
  if (name.trim() !== '' && name !== '..' && name !== '.' && !/[\\/]/.test(name)) return;
  throw new InferenceServerError(
    'INVALID_ARG',
    `model name '${name}' is not a valid name of a folder in the repository`,
  );
}
