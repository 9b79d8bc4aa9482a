import { InferenceServerError } from '@nereid/protocol';
import type { RepositoryIndexEntryJson } from '@nereid/protocol/http';
import type { Model } from './model.ts';

/** The states of the repository index. */
export type ModelState = RepositoryIndexEntryJson['state'];

/** A version that is known but not ready. */
interface VersionStatus {
  readonly state: NonNullable<ModelState>;
  readonly reason: string;
}

/** A model by name: its ready versions, and what became of the others. */
interface Entry {
  readonly ready: Map<number, Model>;
  readonly status: Map<number, VersionStatus>;
  /** Why the model could not be read at all; versions are then unknown. */
  failure: string | undefined;
  latest: Model | undefined;
}

/**
 * All models by name and version: the look-up of the request path, and the states that the index shows.
 *
 * A version: UNKNOWN → LOADING → READY → UNLOADING → UNAVAILABLE, with LOADING → UNAVAILABLE on failure.
 */
export class ModelRegistry {
  readonly #entries = new Map<string, Entry>();
  /** Versions that end what they have begun. */
  readonly #retiring = new Set<Model>();
  #isClosed = false;

  /**
   * A ready version of a model.
   *
   * @param version - '' for the highest ready one.
   * @throws InferenceServerError NOT_FOUND, UNAVAILABLE, or INVALID_ARG for a version that is no number.
   */
  get(name: string, version: string): Model {
    if (this.#isClosed) throw new InferenceServerError('UNAVAILABLE', 'the server is shut down');
    const entry = this.#entries.get(name);
    if (entry === undefined) throw unknownModel(`'${name}' is not found`);
    if (version === '') {
      if (entry.latest !== undefined) return entry.latest;
      throw unknownModel(`'${name}' has no available versions`);
    }
    const number = parseVersion(version);
    const model = entry.ready.get(number);
    if (model !== undefined) return model;
    const status = entry.status.get(number);
    if (status === undefined) throw unknownModel(`'${name}' version ${number} is not found`);
    throw new InferenceServerError(
      'UNAVAILABLE',
      `Request for unknown model: '${name}' version ${number} is not at ready state`,
    );
  }

  /**
   * Whether a version is there and its instances can serve.
   *
   * @throws InferenceServerError INVALID_ARG for a version that is no number.
   */
  async isReady(name: string, version: string): Promise<boolean> {
    try {
      return await this.get(name, version).isReady();
    } catch (error) {
      if (InferenceServerError.is(error) && error.code === 'INVALID_ARG') throw error;
      return false;
    }
  }

  /** The ready versions of a model, ascending; empty when there are none. */
  readyVersions(name: string): readonly Model[] {
    const ready = this.#entries.get(name)?.ready.values() ?? [];
    return [...ready].sort((a, b) => a.versionNumber - b.versionNumber);
  }

  /** All ready model versions. */
  all(): readonly Model[] {
    return [...this.#entries.keys()].flatMap((name) => this.readyVersions(name));
  }

  /** Versions that were replaced or unloaded and still end what they have begun; of one model, or of all. */
  retiring(name?: string): readonly Model[] {
    if (this.#retiring.size === 0) return [];
    return [...this.#retiring].filter((model) => name === undefined || model.name === name);
  }

  /** Whether a version was replaced or unloaded, and still ends what it has begun. */
  isRetiring(model: Model): boolean {
    return this.#retiring.has(model);
  }

  startRetiring(model: Model): void {
    this.#retiring.add(model);
  }

  endRetiring(model: Model): void {
    this.#retiring.delete(model);
  }

  /** Names of the models that were loaded, or tried, at any time. */
  names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Why a model has no ready version; undefined when it has one or was never tried. */
  failureOf(name: string): string | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.ready.size > 0) return undefined;
    if (entry.failure !== undefined) return entry.failure;
    return [...entry.status.values()].find(({ reason }) => reason !== '')?.reason;
  }

  /** Makes these the ready versions of a model, in one step; returns those they replace. */
  publish(name: string, models: readonly Model[]): readonly Model[] {
    const entry = this.#entry(name);
    const replaced = [...entry.ready.values()].filter((model) => !models.includes(model));
    entry.ready.clear();
    for (const model of models) {
      entry.ready.set(model.versionNumber, model);
      entry.status.delete(model.versionNumber);
    }
    entry.failure = undefined;
    entry.latest = this.readyVersions(name).at(-1);
    return replaced;
  }

  /** Notes the state of versions that are not ready. */
  setStatus(name: string, versions: readonly number[], state: NonNullable<ModelState>, reason: string): void {
    const entry = this.#entry(name);
    entry.failure = undefined;
    for (const version of versions) {
      if (!entry.ready.has(version)) entry.status.set(version, { state, reason });
    }
  }

  /** Notes that a model could not be read, so that not even its versions are known. */
  setFailure(name: string, reason: string): void {
    const entry = this.#entry(name);
    if (entry.ready.size === 0) entry.failure = reason;
  }

  /** Forgets versions that are gone. */
  forgetOthers(name: string, versions: readonly number[]): void {
    const status = this.#entries.get(name)?.status;
    for (const version of [...(status?.keys() ?? [])])
      if (!versions.includes(version)) status?.delete(version);
  }

  /** Forgets a model that was never ready and is gone from the repository. */
  forget(name: string): void {
    if (this.#entries.get(name)?.ready.size === 0) this.#entries.delete(name);
  }

  /** From now on no model can be had. */
  close(): void {
    this.#isClosed = true;
  }

  /** What the index says of a model: only its name when it was never tried, nothing when it has no version. */
  index(name: string): readonly RepositoryIndexEntryJson[] {
    const entry = this.#entries.get(name);
    if (entry === undefined) return [{ name }];
    if (entry.failure !== undefined)
      return [{ name, version: '', state: 'UNAVAILABLE', reason: entry.failure }];
    const rows: (RepositoryIndexEntryJson & { version: string })[] = [];
    for (const { version } of entry.ready.values()) rows.push({ name, version, state: 'READY' });
    for (const [version, { state, reason }] of entry.status) {
      rows.push({ name, version: String(version), state, ...(reason !== '' && { reason }) });
    }
    return rows.sort((a, b) => Number(a.version) - Number(b.version));
  }

  #entry(name: string): Entry {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = { ready: new Map(), status: new Map(), failure: undefined, latest: undefined };
      this.#entries.set(name, entry);
    }
    return entry;
  }
}

function unknownModel(what: string): InferenceServerError {
  return new InferenceServerError('NOT_FOUND', `Request for unknown model: ${what}`);
}

function parseVersion(version: string): number {
  if (/^\d+$/.test(version)) return Number(version);
  throw new InferenceServerError(
    'INVALID_ARG',
    `failed to get model version from specified version string '${version}', version should be an integral value > 0`,
  );
}
