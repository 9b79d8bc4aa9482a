import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { MissingBackend } from '../backend/backend-registry.ts';
import { modelIdentifier, type ModelIdentifier } from '../model-identifier.ts';
import type { IndexedModel } from '../repository/model-repository.ts';
import { LoadTurns } from './load-turns.ts';
import type { ModelLifecycle } from './model-lifecycle.ts';
import { listNamespaces, type ModelNames } from './model-names.ts';
import type { LoadWhat, ModelOverride, ModelSource } from './model-source.ts';

/** Who decides which models are loaded: start-up alone, a look at the repository now and then, or the API. */
export type ControlMode = 'none' | 'poll' | 'explicit';

/** What the control of models needs. */
export interface ModelControlParts {
  readonly mode: ControlMode;
  /** Models to load at start in explicit mode; `*` for all. */
  readonly loadModels: readonly string[];
  /** Seconds between two looks in poll mode; 0: never. */
  readonly pollSecs: number;
  /** How many models load at a time; at a start, those that are light besides. */
  readonly loadThreads: number;
  /** Whether a model whose backend is not installed is a failure like any other. */
  readonly requireBackends: boolean;
  readonly lifecycle: ModelLifecycle;
  readonly names: ModelNames;
  readonly source: ModelSource;
  readonly logger: Logger;
}

/**
 * Loads that are under way at a start, light ones and those that wait for their turn. With so many, what threads say to each other
 * travels in bundles, and none waits for the next model: a message costs as much as to open a tiny one. With more, nothing is gained.
 */
const LOADS_AT_START = 64;

interface LoadAllOptions extends Required<Pick<LoadWhat, 'atStart'>> {
  /** Models whose backend is not installed are left out, unless the options require them. */
  readonly mayLackBackend: boolean;
}

/** Applies the control mode: loads at start, polls, and admits or refuses load and unload calls. */
export class ModelControl {
  readonly #parts: ModelControlParts;
  /** Fingerprint of each model when it was last loaded or tried. */
  readonly #tried = new Map<ModelIdentifier, string>();
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();

  constructor(parts: ModelControlParts) {
    this.#parts = parts;
  }

  /**
   * Loads what is to be loaded at start.
   *
   * @returns The models that failed, with the reasons.
   */
  async start(): Promise<ReadonlyMap<ModelIdentifier, InferenceServerError>> {
    const { mode, loadModels, source, pollSecs } = this.#parts;
    const all = mode !== 'explicit' || loadModels.includes('*');
    const found = await source.list({ atStart: true });
    const named = await Promise.all(loadModels.map((name) => this.#lying(name)));
    const failed = await this.#loadAll(all ? [...found.keys()] : named.flat(), found, {
      atStart: true,
      mayLackBackend: all,
    });
    if (mode === 'poll' && pollSecs > 0) {
      this.#timer = setInterval(() => {
        this.#polling = this.#polling.then(() => this.poll());
      }, pollSecs * 1000);
      this.#timer.unref();
    }
    return failed;
  }

  /** Loads a model because a client asks for it: all of that name, where several namespaces have one. */
  async load(name: string, override: ModelOverride): Promise<void> {
    this.#assertExplicit();
    assertModelName(name);
    const models = await this.#lying(name);
    if (override.files !== undefined && models.length > 1) throw manyForFiles(name, models);
    const isPlain = override.config === undefined && override.files === undefined;
    const loads = models.map((id) => this.#parts.lifecycle.load(id, isPlain ? {} : { override }));
    throwAll(await Promise.allSettled(loads));
  }

  /** Unloads a model because a client asks for it: all of that name. */
  async unload(name: string, unloadDependents: boolean): Promise<void> {
    const { lifecycle, names } = this.#parts;
    this.#assertExplicit();
    for (const id of names.identifiersOf(name)) await lifecycle.unload(id, unloadDependents);
  }

  /** Looks at the repositories once and applies what changed. */
  async poll(): Promise<void> {
    const { lifecycle, source, logger } = this.#parts;
    try {
      const found = await source.list();
      for (const id of lifecycle.known()) {
        if (found.has(id)) continue;
        await lifecycle.unload(id);
        lifecycle.forget(id);
        this.#tried.delete(id);
      }
      const changed = [...found].filter(([id, model]) => this.#tried.get(id) !== fingerprintOf(model));
      await this.#loadAll(
        changed.map(([id]) => id),
        found,
        { atStart: false, mayLackBackend: true },
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

  /** The models of a name in the repositories; when none has it, the one that loading will say so of. */
  async #lying(name: string): Promise<readonly ModelIdentifier[]> {
    const models = await this.#parts.source.identifiersOf(name);
    return models.length > 0 ? models : [modelIdentifier('', name)];
  }

  async #loadAll(
    models: readonly ModelIdentifier[],
    found: ReadonlyMap<ModelIdentifier, IndexedModel>,
    { atStart, mayLackBackend }: LoadAllOptions,
  ): Promise<ReadonlyMap<ModelIdentifier, InferenceServerError>> {
    const failed = new Map<ModelIdentifier, InferenceServerError>();
    const turns = atStart ? new LoadTurns(this.#parts.loadThreads) : undefined;
    const waiting = [...models];
    const loadNext = async (): Promise<void> => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
        const model = found.get(id);
        this.#tried.set(id, fingerprintOf(model));
        const error = await this.#tryLoad(id, { found: model, atStart, turns }, mayLackBackend);
        if (error !== undefined) failed.set(id, error);
      }
    };
    await Promise.all(Array.from({ length: this.#loadsAtATime(atStart) }, loadNext));
    return failed;
  }

  #loadsAtATime(atStart: boolean): number {
    const { mode, loadThreads } = this.#parts;
    // Who asks for one at a time has a reason. In mode explicit a model may load others while it is loaded: one that waits for its
    // turn could be what those wait for whose turn it is.
    if (!atStart || loadThreads === 1 || mode === 'explicit') return loadThreads;
    return Math.max(loadThreads, LOADS_AT_START);
  }

  async #tryLoad(
    id: ModelIdentifier,
    what: LoadWhat,
    mayLackBackend: boolean,
  ): Promise<InferenceServerError | undefined> {
    const { lifecycle, logger, requireBackends, source } = this.#parts;
    try {
      if (source.isStrict && (await source.isUnconfigured(id))) {
        logger.error(`model '${id}' has no configuration, which it must have without auto-completion`, {
          model: id,
        });
        return undefined;
      }
      await lifecycle.load(id, what);
      return undefined;
    } catch (error) {
      const missing = mayLackBackend && !requireBackends ? MissingBackend.causeOf(error) : undefined;
      if (missing === undefined) return InferenceServerError.from(error);
      lifecycle.leaveOut(id, missing.message);
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

/** '' for a model that can't be used, or is not there. */
function fingerprintOf(found: IndexedModel | undefined): string {
  return found?.entry?.fingerprint ?? '';
}

function manyForFiles(name: string, models: readonly ModelIdentifier[]): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `files of a load request can't stand for model '${name}': it is in ${listNamespaces(models)}, expected one repository`,
  );
}

/** @throws InferenceServerError when any of the loads failed: its own error, or one with the messages of all. */
function throwAll(loads: readonly PromiseSettledResult<void>[]): void {
  const errors = loads.flatMap((load) =>
    load.status === 'rejected' ? [InferenceServerError.from(load.reason)] : [],
  );
  const [first, ...others] = errors;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  const message = errors.map((error) => error.message).join('; ');
  throw new InferenceServerError(first.code, message, { cause: first });
}

/** @throws InferenceServerError INVALID_ARG for names that could leave the repository (REPO-22). */
function assertModelName(name: string): void {
  if (name.trim() !== '' && name !== '..' && name !== '.' && !/[\\/]/.test(name)) return;
  throw new InferenceServerError(
    'INVALID_ARG',
    `model name '${name}' is not a valid name of a folder in the repository`,
  );
}
