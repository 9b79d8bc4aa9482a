import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { MissingBackend } from '../backend/backend-registry.ts';
import { composingModels } from '../scheduler/ensemble-graph.ts';
import type { MetricsRegistry } from '../telemetry/metrics.ts';
import type { EnsembleLoader } from './ensemble-loader.ts';
import { findKeptVersions } from './kept-versions.ts';
import type { Model } from './model.ts';
import type { ModelLoader } from './model-loader.ts';
import type { ModelRegistry } from './model-registry.ts';
import type { ModelOverride, ModelSource, PreparedModel } from './model-source.ts';

/** What the life cycle of models needs. */
export interface ModelLifecycleParts {
  readonly source: ModelSource;
  readonly loader: ModelLoader;
  readonly ensembles: EnsembleLoader;
  readonly registry: ModelRegistry;
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
  /** Aborts when the sequences that go on after an unload must have ended; asked for at each unload. */
  readonly sequenceDeadline: () => AbortSignal;
}

/** A model that is loaded. */
interface Loaded {
  readonly prepared: PreparedModel;
  /** Models an ensemble is made of. */
  readonly composing: readonly string[];
}

/**
 * Loads, reloads and unloads models. Everything that concerns one model happens one after the other; a reload
 * makes the new versions ready before the old ones stop taking requests, and keeps the old ones when it fails.
 */
export class ModelLifecycle {
  /** Whether a failed load is written to the log; off while whoever asked for it tells of it. */
  logsFailures = true;
  readonly #parts: ModelLifecycleParts;
  readonly #loaded = new Map<string, Loaded>();
  /** Names of the loaded models that are ensembles. */
  readonly #ensembles = new Set<string>();
  /** Models that should be ready: what readiness looks at. */
  readonly #expected = new Set<string>();
  /** The last thing that is going on with a model. */
  readonly #busy = new Map<string, Promise<void>>();
  readonly #retiring = new Set<Promise<void>>();

  constructor(parts: ModelLifecycleParts) {
    this.#parts = parts;
  }

  /** Whether every model that should be loaded is. */
  get isComplete(): boolean {
    const { registry } = this.#parts;
    return [...this.#expected].every((name) => registry.readyVersions(name).length > 0);
  }

  isLoaded(name: string): boolean {
    return this.#loaded.has(name);
  }

  /** Fingerprint of what is loaded under a name. */
  fingerprintOf(name: string): string | undefined {
    return this.#loaded.get(name)?.prepared.fingerprint;
  }

  /** Names of all models that are loaded or should be. */
  knownNames(): readonly string[] {
    return [...new Set([...this.#loaded.keys(), ...this.#expected])];
  }

  /**
   * Loads a model, or loads it anew when it changed. An ensemble brings its models along.
   *
   * @param ancestors - Ensembles that this load is for, to find circles.
   * @throws InferenceServerError with the reason, which the index then shows too.
   */
  load(name: string, override?: ModelOverride, ancestors: readonly string[] = []): Promise<void> {
    if (ancestors.includes(name)) {
      const circle = [...ancestors, name].join(' -> ');
      return Promise.reject(
        new InferenceServerError(
          'INVALID_ARG',
          `load failed for model '${name}': circular dependency between ensembles: ${circle}`,
        ),
      );
    }
    return this.#inTurn(name, () => this.#load(name, override, ancestors));
  }

  /** Unloads a model; its requests in flight end first. Unknown models are no error. */
  async unload(name: string, unloadDependents = false): Promise<void> {
    const composing = this.#loaded.get(name)?.composing ?? [];
    await this.#inTurn(name, () => Promise.resolve(this.#unload(name)));
    await this.#recheckEnsemblesOf(name);
    if (!unloadDependents) return;
    for (const part of composing) {
      if (!this.#isUsedByEnsemble(part)) await this.unload(part, true);
    }
  }

  /** Takes a model that could not be loaded out of what readiness waits for: it is known to be left out. */
  leaveOut(name: string, reason: string): void {
    this.#expected.delete(name);
    this.#parts.registry.forget(name);
    this.#parts.registry.setFailure(name, reason);
    this.#parts.logger.warning(`model '${name}' is left out: ${reason}`, { model: name });
  }

  /** Forgets a model whose folder is gone. */
  forget(name: string): void {
    this.#expected.delete(name);
    if (!this.#loaded.has(name)) this.#parts.registry.forget(name);
  }

  /** Lets the sequences that go on end, until `signal` aborts; no other begins. */
  async endSequences(signal: AbortSignal): Promise<void> {
    const { registry } = this.#parts;
    const models = [...registry.all(), ...registry.retiring()];
    const ending = models.flatMap(({ scheduler: { sequences } }) => sequences?.refuseStarts() ?? []);
    await untilAborted(Promise.all(ending), signal);
  }

  /** Ends all models; waits for what is in flight until `signal` aborts, then closes at once. */
  async close(signal: AbortSignal): Promise<void> {
    const models = this.#parts.registry.all();
    const drained = Promise.all(models.map((model) => model.scheduler.drain()));
    await untilAborted(drained, signal);
    await Promise.all(models.map((model) => model.close()));
    await untilAborted(Promise.all(this.#retiring), signal);
    await Promise.all([...this.#loaded.values()].map(({ prepared }) => this.#releaseAfter(prepared, [])));
  }

  /** Runs what concerns a model after all that came before it. */
  #inTurn(name: string, action: () => Promise<void>): Promise<void> {
    const before = this.#busy.get(name) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(action);
    this.#busy.set(name, turn);
    turn
      .catch(() => undefined)
      .finally(() => {
        if (this.#busy.get(name) === turn) this.#busy.delete(name);
      });
    return turn;
  }

  async #load(
    name: string,
    override: ModelOverride | undefined,
    ancestors: readonly string[],
  ): Promise<void> {
    let prepared = await this.#prepare(name, override);
    const loaded = this.#loaded.get(name);
    if (
      loaded?.prepared.fingerprint === prepared.fingerprint &&
      this.#parts.registry.readyVersions(name).length > 0
    ) {
      await prepared.discard();
      return;
    }
    this.#expected.add(name);
    this.#parts.registry.setStatus(name, prepared.versions, 'LOADING', '');
    try {
      prepared = await this.#parts.source.runAgents(prepared);
      if (prepared.problem !== undefined) throw prepared.problem;
      const composing = composingModels(prepared.config);
      const models =
        prepared.config.ensemble_scheduling === undefined
          ? await this.#parts.loader.load(prepared, await this.#keptModels(loaded?.prepared, prepared))
          : await this.#loadEnsemble(prepared, composing, ancestors);
      const ending = this.#publish(name, models, prepared, composing);
      if (loaded !== undefined) this.#release(loaded.prepared, ending);
      await prepared.agents?.loadComplete();
    } catch (reason) {
      await prepared.agents?.loadFail();
      await prepared.discard();
      throw this.#noteFailure(prepared, InferenceServerError.from(reason));
    }
    await this.#recheckEnsemblesOf(name);
  }

  /** Versions that need not be loaded again; none of a model that can't serve as it is. */
  async #keptModels(before: PreparedModel | undefined, after: PreparedModel): Promise<readonly Model[]> {
    if (before === undefined) return [];
    const kept = findKeptVersions(before, after);
    const models = this.#parts.registry
      .readyVersions(after.name)
      .filter(({ versionNumber }) => kept.includes(versionNumber));
    const areReady = await Promise.all(models.map((model) => model.isReady()));
    return areReady.every(Boolean) ? models : [];
  }

  async #prepare(name: string, override: ModelOverride | undefined): Promise<PreparedModel> {
    try {
      return await this.#parts.source.prepare(name, override);
    } catch (reason) {
      const error = InferenceServerError.from(reason);
      this.#logFailure(name, error);
      if (error.code === 'INTERNAL') throw error;
      this.#expected.add(name);
      this.#parts.registry.setFailure(name, error.message);
      throw new InferenceServerError('INVALID_ARG', `load failed for model '${name}': ${error.message}`, {
        cause: error,
      });
    }
  }

  async #loadEnsemble(
    prepared: PreparedModel,
    composing: readonly string[],
    ancestors: readonly string[],
  ): Promise<readonly Model[]> {
    for (const part of composing) {
      if (this.#loaded.has(part)) continue;
      if (!(await this.#parts.source.has(part))) {
        throw new InferenceServerError(
          'NOT_FOUND',
          `ensemble ${prepared.name} contains models that are not available or ambiguous: ${part}`,
        );
      }
      await this.load(part, undefined, [...ancestors, prepared.name]).catch((reason: unknown) => {
        const { message } = InferenceServerError.from(reason);
        throw new InferenceServerError(
          'INVALID_ARG',
          `ensemble '${prepared.name}' depends on '${part}' which has no loaded version: ${message}`,
          { cause: reason },
        );
      });
    }
    return this.#parts.ensembles.load(prepared);
  }

  #publish(
    name: string,
    models: readonly Model[],
    prepared: PreparedModel,
    composing: readonly string[],
  ): readonly Promise<void>[] {
    const { registry, metrics, logger, source } = this.#parts;
    for (const field of source.unusedFields(prepared))
      logger.warning(`${field} has no effect in this version`);
    const before = new Set(registry.readyVersions(name));
    const replaced = registry.publish(name, models);
    registry.forgetOthers(name, prepared.versions);
    for (const model of models) {
      const { version } = model;
      const isKept = before.has(model);
      if (!isKept) metrics.add(model.statistics);
      const what = isKept ? 'updated in place' : 'successfully loaded';
      logger.info(`${what} '${name}' version ${version}`, { model: name, version });
    }
    this.#loaded.set(name, { prepared, composing });
    if (prepared.config.ensemble_scheduling === undefined) this.#ensembles.delete(name);
    else this.#ensembles.add(name);
    return replaced.map((model) => {
      const isGone = models.every(({ version }) => version !== model.version);
      return this.#retire(model, isGone ? 'unloaded' : undefined);
    });
  }

  /** Deletes what a load brought along once its last version has ended; its agents hear of both. */
  #release(prepared: PreparedModel, ending: readonly Promise<void>[]): void {
    const releasing = this.#releaseAfter(prepared, ending)
      .catch((cause: unknown) =>
        this.#parts.logger.error(`failed to clean up after model '${prepared.name}'`, { cause }),
      )
      .then(() => void this.#retiring.delete(releasing));
    this.#retiring.add(releasing);
  }

  async #releaseAfter(prepared: PreparedModel, ending: readonly Promise<void>[]): Promise<void> {
    await prepared.agents?.unload();
    await Promise.all(ending);
    await prepared.agents?.unloadComplete();
    await prepared.discard();
  }

  /**
   * Lets a version end its requests, in the background.
   *
   * @param reason - Why it is gone; undefined when another one took its place.
   */
  #retire(model: Model, reason: string | undefined): Promise<void> {
    const { registry, metrics, logger } = this.#parts;
    metrics.remove(model.statistics);
    if (reason !== undefined) registry.setStatus(model.name, [model.versionNumber], 'UNLOADING', '');
    registry.startRetiring(model);
    // After a reload there is a successor, and no harm in a sequence that takes its time.
    const stopWatching = reason === undefined ? undefined : this.#limitSequences(model);
    const retiring = model
      .unload()
      .catch((cause: unknown) =>
        logger.error(`failed to unload '${model.name}' version ${model.version}`, { cause }),
      )
      .then(() => {
        stopWatching?.();
        registry.endRetiring(model);
        if (reason !== undefined)
          registry.setStatus(model.name, [model.versionNumber], 'UNAVAILABLE', reason);
        this.#retiring.delete(retiring);
      });
    this.#retiring.add(retiring);
    return retiring;
  }

  /** Ends the sequences of an unloaded version when their time is over; returns what calls that off. */
  #limitSequences({ name, version, scheduler: { sequences } }: Model): (() => void) | undefined {
    if (sequences === undefined) return undefined;
    const deadline = this.#parts.sequenceDeadline();
    const cut = (): void => {
      const count = sequences.cutShort();
      this.#parts.logger.warning(
        `${count} sequences of '${name}' version ${version}, which is unloaded, were cut short`,
      );
    };
    deadline.addEventListener('abort', cut, { once: true });
    return () => deadline.removeEventListener('abort', cut);
  }

  #noteFailure(prepared: PreparedModel, error: InferenceServerError): InferenceServerError {
    const { registry } = this.#parts;
    const { name, versions } = prepared;
    // An ensemble of unknown models is no model yet: as in Triton, the index knows only its name.
    if (error.code === 'NOT_FOUND') registry.forget(name);
    else registry.setStatus(name, versions, 'UNAVAILABLE', error.message);
    this.#logFailure(name, error);
    const [version] = versions;
    const where = version === undefined ? '' : `version ${version} is at UNAVAILABLE state: `;
    const message = `load failed for model '${name}': ${where}${error.message}`;
    return new InferenceServerError('INVALID_ARG', message, { cause: error });
  }

  #logFailure(name: string, error: InferenceServerError): void {
    if (!this.logsFailures || MissingBackend.causeOf(error) !== undefined) return;
    const fields = { model: name, cause: error.cause };
    this.#parts.logger.error(`failed to load model '${name}': ${error.message}`, fields);
  }

  #unload(name: string, reason = 'unloaded'): void {
    this.#expected.delete(name);
    const loaded = this.#loaded.get(name);
    this.#loaded.delete(name);
    this.#ensembles.delete(name);
    const replaced = this.#parts.registry.publish(name, []);
    const ending = replaced.map((model) => this.#retire(model, reason));
    if (loaded !== undefined) this.#release(loaded.prepared, ending);
  }

  /** An ensemble whose parts changed is made anew; it ends when it does not fit them any more. */
  async #recheckEnsemblesOf(part: string): Promise<void> {
    const { ensembles, logger } = this.#parts;
    for (const name of [...this.#ensembles]) {
      const ensemble = this.#loaded.get(name);
      if (!ensemble?.composing.includes(part)) continue;
      try {
        if (!ensembles.isOutdated(ensemble.prepared)) continue;
        const models = await ensembles.load(ensemble.prepared);
        if (this.#loaded.get(name) !== ensemble) continue;
        void this.#publish(name, models, ensemble.prepared, ensemble.composing);
        await this.#recheckEnsemblesOf(name);
      } catch (reason) {
        const { message } = InferenceServerError.from(reason);
        logger.error(`ensemble '${name}' is unavailable: ${message}`, { model: name });
        this.#unload(name, message);
        this.#expected.add(name);
      }
    }
  }

  #isUsedByEnsemble(name: string): boolean {
    return [...this.#ensembles].some((ensemble) => this.#loaded.get(ensemble)?.composing.includes(name));
  }
}

/** Waits for something, but no longer than until the signal aborts. */
async function untilAborted(waitedFor: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  await Promise.race([waitedFor, aborted]);
  signal.removeEventListener('abort', onAbort);
}
