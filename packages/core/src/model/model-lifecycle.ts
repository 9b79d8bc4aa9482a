import { isDeepStrictEqual } from 'node:util';
import { InferenceServerError } from '@nereid/protocol';
import { MissingBackend } from '../backend/backend-registry.ts';
import { nameOf, type ModelIdentifier } from '../model-identifier.ts';
import type { EnsembleLoader, PreparedEnsemble } from './ensemble-loader.ts';
import { resolveSteps, stepNames } from './ensemble-steps.ts';
import { findKeptVersions } from './kept-versions.ts';
import { LoadWaits } from './load-waits.ts';
import type { Model } from './model.ts';
import type { ModelLoader } from './model-loader.ts';
import type { ModelNames } from './model-names.ts';
import { ModelRetirement, releaseAfter, type ModelRetirementParts } from './model-retirement.ts';
import type { LoadWhat, ModelOverride, ModelSource, PreparedModel } from './model-source.ts';
import { untilAborted } from './until-aborted.ts';
import { WaitingEnsembles } from './waiting-ensembles.ts';

/** What the life cycle of models needs. */
export interface ModelLifecycleParts extends ModelRetirementParts {
  readonly source: ModelSource;
  readonly loader: ModelLoader;
  readonly ensembles: EnsembleLoader;
  /** Learns of every model that is loaded or should be. */
  readonly names: ModelNames;
}

/** A model that is loaded; `models` is empty unless it is an ensemble. */
interface Loaded extends PreparedEnsemble {
  /** What its load brought along. */
  readonly override: ModelOverride | undefined;
}

/**
 * Loads, reloads and unloads models. Everything that concerns one model happens one after the other; a reload
 * makes the new versions ready before the old ones stop taking requests, and keeps the old ones when it fails.
 */
export class ModelLifecycle {
  /** Whether a failed load is written to the log; off while whoever asked for it tells of it. */
  logsFailures = true;
  readonly #parts: ModelLifecycleParts;
  readonly #loaded = new Map<ModelIdentifier, Loaded>();
  /** The loaded models that are ensembles. */
  readonly #ensembles = new Set<ModelIdentifier>();
  readonly #waiting = new WaitingEnsembles();
  /** Models that should be ready: what readiness looks at. */
  readonly #expected = new Set<ModelIdentifier>();
  /** The last thing that is going on with a model. */
  readonly #busy = new Map<ModelIdentifier, Promise<void>>();
  readonly #waits = new LoadWaits();
  readonly #retirement: ModelRetirement;

  constructor(parts: ModelLifecycleParts) {
    this.#parts = parts;
    this.#retirement = new ModelRetirement(parts);
  }

  /** Whether every model that should be loaded is. */
  get isComplete(): boolean {
    const { registry } = this.#parts;
    return [...this.#expected].every((id) => registry.readyVersions(id).length > 0);
  }

  /** All models that are loaded or should be. */
  known(): readonly ModelIdentifier[] {
    return [...new Set([...this.#loaded.keys(), ...this.#expected])];
  }

  /**
   * Loads a model, or loads it anew when it changed. An ensemble brings its models along.
   *
   * @throws InferenceServerError with the reason, which the index then shows too.
   */
  async load(id: ModelIdentifier, what: LoadWhat = {}): Promise<void> {
    try {
      await this.#loadInTurn(id, what);
    } finally {
      await this.#retryWaiting();
    }
  }

  /** Unloads a model; its requests in flight end first. Unknown models are no error. */
  async unload(id: ModelIdentifier, unloadDependents = false): Promise<void> {
    await this.#unloadWith(id, unloadDependents);
    await this.#retryWaiting();
  }

  /** Takes a model that could not be loaded out of what readiness waits for: it is known to be left out. */
  leaveOut(id: ModelIdentifier, reason: string): void {
    this.forget(id);
    this.#parts.registry.forget(id);
    this.#parts.registry.setFailure(id, reason);
    this.#parts.logger.warning(`model '${id}' is left out: ${reason}`, { model: id });
  }

  /** Forgets a model whose folder is gone. */
  forget(id: ModelIdentifier): void {
    this.#expected.delete(id);
    this.#waiting.delete(id);
    if (this.#loaded.has(id)) return;
    this.#parts.names.delete(id);
    this.#parts.registry.forget(id);
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
    await untilAborted(this.#retirement.ended(), signal);
    await Promise.all([...this.#loaded.values()].map(({ prepared }) => releaseAfter(prepared, [])));
  }

  #loadInTurn(id: ModelIdentifier, what: LoadWhat = {}): Promise<void> {
    return this.#inTurn(id, () => this.#load(id, what));
  }

  async #unloadWith(id: ModelIdentifier, dependents: boolean): Promise<void> {
    const models = this.#loaded.get(id)?.models ?? [];
    await this.#inTurn(id, () => Promise.resolve(this.#unload(id)));
    await this.#recheckEnsemblesOf(id, 'warning');
    if (!dependents) return;
    for (const model of new Set(models))
      if (!this.#isUsedByEnsemble(model)) await this.#unloadWith(model, true);
  }

  /** Runs what concerns a model after all that came before it. */
  #inTurn(id: ModelIdentifier, action: () => Promise<void>): Promise<void> {
    const before = this.#busy.get(id) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(action);
    this.#busy.set(id, turn);
    turn
      .catch(() => undefined)
      .finally(() => {
        if (this.#busy.get(id) === turn) this.#busy.delete(id);
      });
    return turn;
  }

  async #load(id: ModelIdentifier, what: LoadWhat): Promise<void> {
    this.#waiting.delete(id);
    const { override } = what;
    let prepared = await this.#prepare(id, what);
    const loaded = this.#loaded.get(id);
    if (loaded !== undefined && (await this.#isUnchanged(loaded, prepared))) {
      await prepared.discard();
      return;
    }
    this.#expect(id);
    this.#parts.registry.setStatus(id, prepared.versions, 'LOADING', '');
    const endTurn = await this.#takeTurn(prepared, what);
    try {
      prepared = await this.#parts.source.runAgents(prepared);
      if (prepared.problem !== undefined) throw prepared.problem;
      const models = await this.#findModels(prepared);
      const versions =
        prepared.config.ensemble_scheduling === undefined
          ? await this.#parts.loader.load(prepared, await this.#keptModels(loaded?.prepared, prepared))
          : await this.#loadEnsemble({ prepared, models }, what);
      const ending = this.#publish(versions, { prepared, models, override });
      if (loaded !== undefined) this.#retirement.release(loaded.prepared, ending);
      await prepared.agents?.loadComplete();
    } catch (reason) {
      await prepared.agents?.loadFail();
      await prepared.discard();
      if (!this.#loaded.has(id)) this.#wait(prepared, override);
      throw this.#noteFailure(prepared, InferenceServerError.from(reason));
    } finally {
      endTurn();
    }
    await this.#recheckEnsemblesOf(id);
  }

  /** @returns What ends the turn; nothing for a load that needs none, and for an ensemble's, which waits for others'. */
  async #takeTurn(prepared: PreparedModel, { turns }: LoadWhat): Promise<() => void> {
    const needsNone = turns === undefined || prepared.config.ensemble_scheduling !== undefined;
    if (needsNone || (await this.#parts.loader.isLight(prepared))) return () => {};
    return turns.take();
  }

  /** A model should be ready from now on. */
  #expect(id: ModelIdentifier): void {
    this.#expected.add(id);
    this.#parts.names.add(id);
  }

  /** Whether a load would make what is there: an ensemble is another one when its steps stand for other models. */
  async #isUnchanged({ prepared: before, models }: Loaded, after: PreparedModel): Promise<boolean> {
    const { registry, names } = this.#parts;
    if (before.fingerprint !== after.fingerprint || registry.readyVersions(after.id).length === 0)
      return false;
    if (!names.isNamespaced) return true;
    const found = await this.#findModels(after).catch(() => []);
    return isDeepStrictEqual(found, models);
  }

  /** The models that the steps of an ensemble stand for, of those that are loaded or can be. */
  async #findModels(prepared: PreparedModel): Promise<readonly ModelIdentifier[]> {
    const { id, config } = prepared;
    const { source, names } = this.#parts;
    const candidates = new Map<string, readonly ModelIdentifier[]>();
    for (const name of stepNames(config)) {
      const lying = await source.identifiersOf(name);
      candidates.set(name, [...new Set([...this.#loadedNamed(name), ...lying])]);
    }
    const candidatesOf = (name: string): readonly ModelIdentifier[] => candidates.get(name) ?? [];
    return resolveSteps(config, {
      ensemble: id,
      isNamespaced: names.isNamespaced,
      candidatesOf,
      placeOf: (path) => source.errorAt(prepared, path, '').message,
    });
  }

  #loadedNamed(name: string): readonly ModelIdentifier[] {
    return [...this.#loaded.keys()].filter((id) => nameOf(id) === name);
  }

  /** Versions that need not be loaded again; none of a model that can't serve as it is. */
  async #keptModels(before: PreparedModel | undefined, after: PreparedModel): Promise<readonly Model[]> {
    if (before === undefined) return [];
    const ready = this.#parts.registry.readyVersions(after.id);
    const hasSequences = ready.some(({ config }) => config.sequence_batching !== undefined);
    const kept = findKeptVersions(before, after, hasSequences);
    const models = ready.filter(({ versionNumber }) => kept.includes(versionNumber));
    const areReady = await Promise.all(models.map((model) => model.isReady()));
    return areReady.every(Boolean) ? models : [];
  }

  async #prepare(id: ModelIdentifier, what: LoadWhat): Promise<PreparedModel> {
    try {
      return await this.#parts.source.prepare(id, what);
    } catch (reason) {
      const error = InferenceServerError.from(reason);
      this.#logFailure(id, error);
      if (error.code === 'INTERNAL') throw error;
      this.#expect(id);
      this.#parts.registry.setFailure(id, error.message);
      throw new InferenceServerError('INVALID_ARG', `load failed for model '${id}': ${error.message}`, {
        cause: error,
      });
    }
  }

  async #loadEnsemble(ensemble: PreparedEnsemble, { atStart, turns }: LoadWhat): Promise<readonly Model[]> {
    const { id } = ensemble.prepared;
    const what: LoadWhat = { ...(atStart !== undefined && { atStart }), turns };
    for (const part of new Set(ensemble.models)) {
      if (this.#loaded.has(part)) continue;
      const loading = this.#waits.during(id, part, () => this.#loadInTurn(part, what));
      await loading.catch((reason: unknown) => {
        const { message } = InferenceServerError.from(reason);
        throw new InferenceServerError(
          'INVALID_ARG',
          `ensemble '${id}' depends on '${part}' which has no loaded version: ${message}`,
          { cause: reason },
        );
      });
    }
    return this.#parts.ensembles.load(ensemble);
  }

  #publish(models: readonly Model[], loaded: Loaded): readonly Promise<void>[] {
    const { registry, metrics, logger, source } = this.#parts;
    const { prepared } = loaded;
    const { id } = prepared;
    for (const field of source.unusedFields(prepared))
      logger.warning(`${field} has no effect in this version`);
    const before = new Set(registry.readyVersions(id));
    const replaced = registry.publish(id, models);
    registry.forgetOthers(id, prepared.versions);
    for (const model of models) {
      const { version } = model;
      const isKept = before.has(model);
      if (!isKept) metrics.add(model.statistics);
      const what = isKept ? 'updated in place' : 'successfully loaded';
      logger.info(`${what} '${id}' version ${version}`, { model: id, version });
    }
    this.#loaded.set(id, loaded);
    this.#waiting.noteChange(id);
    if (prepared.config.ensemble_scheduling === undefined) this.#ensembles.delete(id);
    else this.#ensembles.add(id);
    return replaced.map((model) => {
      const isGone = models.every(({ version }) => version !== model.version);
      return this.#retirement.retire(model, isGone ? 'unloaded' : undefined);
    });
  }

  #noteFailure(prepared: PreparedModel, error: InferenceServerError): InferenceServerError {
    const { registry } = this.#parts;
    const { id, versions } = prepared;
    // An ensemble of unknown models is no model yet: as in Triton, the index knows only its name.
    if (error.code === 'NOT_FOUND') registry.forget(id);
    else registry.setStatus(id, versions, 'UNAVAILABLE', error.message);
    this.#logFailure(id, error);
    const [version] = versions;
    const where = version === undefined ? '' : `version ${version} is at UNAVAILABLE state: `;
    const message = `load failed for model '${id}': ${where}${error.message}`;
    return new InferenceServerError('INVALID_ARG', message, { cause: error });
  }

  #logFailure(id: ModelIdentifier, error: InferenceServerError): void {
    if (!this.logsFailures || MissingBackend.causeOf(error) !== undefined) return;
    const fields = { model: id, cause: error.cause };
    this.#parts.logger.error(`failed to load model '${id}': ${error.message}`, fields);
  }

  #unload(id: ModelIdentifier, reason = 'unloaded'): void {
    this.#expected.delete(id);
    this.#parts.names.delete(id);
    this.#waiting.delete(id);
    const loaded = this.#loaded.get(id);
    this.#loaded.delete(id);
    this.#ensembles.delete(id);
    this.#waiting.noteChange(id);
    const replaced = this.#parts.registry.publish(id, []);
    const ending = replaced.map((model) => this.#retirement.retire(model, reason));
    if (loaded !== undefined) this.#retirement.release(loaded.prepared, ending);
  }

  /**
   * An ensemble whose parts changed is made anew; it ends when it does not fit them any more.
   *
   * @param level - How that is logged: after an unload it was to be expected.
   */
  async #recheckEnsemblesOf(part: ModelIdentifier, level: 'warning' | 'error' = 'error'): Promise<void> {
    for (const id of [...this.#ensembles]) {
      const ensemble = this.#loaded.get(id);
      if (ensemble === undefined || !stepNames(ensemble.prepared.config).includes(nameOf(part))) continue;
      try {
        await this.#renewEnsemble(id, ensemble, level);
      } catch (reason) {
        const { message } = InferenceServerError.from(reason);
        this.#parts.logger[level](`ensemble '${id}' is unavailable: ${message}`, { model: id });
        this.#unload(id, message);
        this.#expect(id);
        this.#wait(ensemble.prepared, ensemble.override);
      }
    }
  }

  async #renewEnsemble(id: ModelIdentifier, before: Loaded, level: 'warning' | 'error'): Promise<void> {
    const { ensembles } = this.#parts;
    const ensemble = { ...before, models: this.#currentModels(before) };
    if (!ensembles.isOutdated(ensemble)) return;
    const models = await ensembles.load(ensemble);
    if (this.#loaded.get(id) !== before) return;
    void this.#publish(models, ensemble);
    await this.#recheckEnsemblesOf(id, level);
  }

  /** The models that the steps of a loaded ensemble stand for now, of those that are loaded. */
  #currentModels({ prepared, models }: Loaded): readonly ModelIdentifier[] {
    const { isNamespaced } = this.#parts.names;
    if (!isNamespaced) return models;
    const candidatesOf = (name: string): readonly ModelIdentifier[] => this.#loadedNamed(name);
    return resolveSteps(prepared.config, { ensemble: prepared.id, isNamespaced, candidatesOf });
  }

  /** An ensemble that can't be served is tried again when a model that it needs comes or goes. */
  #wait({ id, config }: PreparedModel, override: ModelOverride | undefined): void {
    const names = stepNames(config);
    if (names.length > 0) this.#waiting.add(id, { names, override });
  }

  /** Outside of all turns: an ensemble's own waits for those of its models. */
  async #retryWaiting(): Promise<void> {
    for (let ensemble = this.#waiting.next(); ensemble !== undefined; ensemble = this.#waiting.next()) {
      // It does not bring back what was unloaded.
      if (!ensemble.names.every((name) => this.#loadedNamed(name).length > 0)) {
        this.#waiting.add(ensemble.id, ensemble);
        continue;
      }
      // Its failure is in the log and the index; who waits here asked for another model.
      await this.#loadInTurn(ensemble.id, ensemble).catch(() => undefined);
    }
  }

  #isUsedByEnsemble(part: ModelIdentifier): boolean {
    return [...this.#ensembles].some((ensemble) => this.#loaded.get(ensemble)?.models.includes(part));
  }
}
