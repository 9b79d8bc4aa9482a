import { InferenceServerError, type StatusCode } from '@nereid/protocol';
import type { RepositoryIndexEntryJson } from '@nereid/protocol/http';
import { nameOf, namespaceOf, type ModelIdentifier } from '../model-identifier.ts';
import type { Model } from './model.ts';
import { chooseIdentifier, type ModelNames } from './model-names.ts';

/** The states of the repository index. */
export type ModelState = RepositoryIndexEntryJson['state'];

/** A version that is known but not ready. */
interface VersionStatus {
  readonly state: NonNullable<ModelState>;
  readonly reason: string;
}

/** A model: its ready versions, and what became of the others. */
interface Entry {
  readonly ready: Map<number, Model>;
  readonly status: Map<number, VersionStatus>;
  /** Why the model could not be read at all; versions are then unknown. */
  failure: string | undefined;
  latest: Model | undefined;
}

/**
 * All models and their versions: the look-up of the request path, and the states that the index shows.
 *
 * A version: UNKNOWN → LOADING → READY → UNLOADING → UNAVAILABLE, with LOADING → UNAVAILABLE on failure.
 */
export class ModelRegistry {
  /** A number that is another one whenever other versions can be had: other threads see at once that it changed. */
  readonly changes = new Int32Array(new SharedArrayBuffer(4));
  readonly #names: ModelNames;
  readonly #entries = new Map<ModelIdentifier, Entry>();
  /** Versions that end what they have begun. */
  readonly #retiring = new Set<Model>();
  #isClosed = false;

  /** @param names - What the names mean that clients ask for. */
  constructor(names: ModelNames) {
    this.#names = names;
  }

  /**
   * A ready version of the model that a name stands for.
   *
   * @param version - '' for the highest ready one.
   * @param namespace - Of who asks, whose models come first; '' for clients.
   * @throws InferenceServerError as `get`; with namespaces INVALID_ARG for a name that no model has or several have.
   */
  find(name: string, version: string, namespace = ''): Model {
    const id = this.#names.resolve(name, namespace);
    if (id !== undefined) return this.get(id, version);
    if (this.#names.isKnown(name)) throw unknownModel(`'${name}' has no available versions`);
    throw unknownModel(`'${name}' is not found`, 'INVALID_ARG');
  }

  /**
   * A ready version of a model.
   *
   * @param version - '' for the highest ready one.
   * @throws InferenceServerError NOT_FOUND, UNAVAILABLE, or INVALID_ARG for a version that is no number.
   */
  get(id: ModelIdentifier, version: string): Model {
    if (this.#isClosed) throw new InferenceServerError('UNAVAILABLE', 'the server is shut down');
    const entry = this.#entries.get(id);
    if (entry === undefined) throw unknownModel(`'${id}' is not found`);
    if (version === '') {
      if (entry.latest !== undefined) return entry.latest;
      throw unknownModel(`'${id}' has no available versions`);
    }
    const number = parseVersion(version);
    const model = entry.ready.get(number);
    if (model !== undefined) return model;
    const status = entry.status.get(number);
    if (status === undefined) throw unknownModel(`'${id}' version ${number} is not found`);
    throw new InferenceServerError(
      'UNAVAILABLE',
      `Request for unknown model: '${id}' version ${number} is not at ready state`,
    );
  }

  /**
   * Whether a version is there and its instances can serve; false for a name that stands for no model.
   *
   * @throws InferenceServerError INVALID_ARG for a version that is no number.
   */
  async isReady(name: string, version: string, namespace = ''): Promise<boolean> {
    if (version !== '') parseVersion(version);
    try {
      return await this.find(name, version, namespace).isReady();
    } catch {
      return false;
    }
  }

  /**
   * The ready versions of the model that a name stands for, ascending; empty when there are none.
   *
   * @throws InferenceServerError INVALID_ARG for a name that several models have.
   */
  readyNamed(name: string): readonly Model[] {
    const id = this.#names.resolve(name, '');
    return id === undefined ? [] : this.readyVersions(id);
  }

  /** The ready versions of a model, ascending; empty when there are none. */
  readyVersions(id: ModelIdentifier): readonly Model[] {
    const ready = this.#entries.get(id)?.ready.values() ?? [];
    return [...ready].sort((a, b) => a.versionNumber - b.versionNumber);
  }

  /** All ready model versions. */
  all(): readonly Model[] {
    return [...this.#entries.keys()].flatMap((id) => this.readyVersions(id));
  }

  /** Versions that were replaced or unloaded and still end what they have begun; of one model, or of all. */
  retiring(id?: ModelIdentifier): readonly Model[] {
    if (this.#retiring.size === 0) return [];
    return [...this.#retiring].filter((model) => id === undefined || model.id === id);
  }

  /** The same of the model that a name stands for among those. */
  retiringNamed(name: string, namespace: string): readonly Model[] {
    const ids = new Set([...this.#retiring].filter((model) => model.name === name).map(({ id }) => id));
    const id = chooseIdentifier([...ids], name, namespace);
    return id === undefined ? [] : this.retiring(id);
  }

  /** Whether a version was replaced or unloaded, and still ends what it has begun. */
  isRetiring(model: Model): boolean {
    return this.#retiring.has(model);
  }

  startRetiring(model: Model): void {
    this.#retiring.add(model);
    this.#noteChange();
  }

  endRetiring(model: Model): void {
    this.#retiring.delete(model);
    this.#noteChange();
  }

  /** Makes these the ready versions of a model, in one step; returns those they replace. */
  publish(id: ModelIdentifier, models: readonly Model[]): readonly Model[] {
    const entry = this.#entry(id);
    const replaced = [...entry.ready.values()].filter((model) => !models.includes(model));
    entry.ready.clear();
    for (const model of models) {
      entry.ready.set(model.versionNumber, model);
      entry.status.delete(model.versionNumber);
    }
    entry.failure = undefined;
    entry.latest = this.readyVersions(id).at(-1);
    this.#noteChange();
    return replaced;
  }

  /** Notes the state of versions that are not ready. */
  setStatus(
    id: ModelIdentifier,
    versions: readonly number[],
    state: NonNullable<ModelState>,
    reason: string,
  ): void {
    const entry = this.#entry(id);
    entry.failure = undefined;
    for (const version of versions) {
      if (!entry.ready.has(version)) entry.status.set(version, { state, reason });
    }
  }

  /** Notes that a model could not be read, so that not even its versions are known. */
  setFailure(id: ModelIdentifier, reason: string): void {
    const entry = this.#entry(id);
    if (entry.ready.size === 0) entry.failure = reason;
  }

  /** Forgets versions that are gone. */
  forgetOthers(id: ModelIdentifier, versions: readonly number[]): void {
    const status = this.#entries.get(id)?.status;
    for (const version of [...(status?.keys() ?? [])])
      if (!versions.includes(version)) status?.delete(version);
  }

  /** Forgets a model that was never ready and is gone from the repository. */
  forget(id: ModelIdentifier): void {
    if (this.#entries.get(id)?.ready.size === 0) this.#entries.delete(id);
  }

  /** From now on no model can be had. */
  close(): void {
    this.#isClosed = true;
    this.#noteChange();
  }

  /** What the index says of a model: only its name when it was never tried, nothing when it has no version. */
  index(id: ModelIdentifier): readonly RepositoryIndexEntryJson[] {
    const entry = this.#entries.get(id);
    const model = indexed(id);
    if (entry === undefined) return [model];
    if (entry.failure !== undefined)
      return [{ ...model, version: '', state: 'UNAVAILABLE', reason: entry.failure }];
    const rows: (RepositoryIndexEntryJson & { version: string })[] = [];
    for (const { version } of entry.ready.values()) rows.push({ ...model, version, state: 'READY' });
    for (const [version, { state, reason }] of entry.status) {
      rows.push({ ...model, version: String(version), state, ...(reason !== '' && { reason }) });
    }
    return rows.sort((a, b) => Number(a.version) - Number(b.version));
  }

  #noteChange(): void {
    Atomics.add(this.changes, 0, 1);
  }

  #entry(id: ModelIdentifier): Entry {
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      entry = { ready: new Map(), status: new Map(), failure: undefined, latest: undefined };
      this.#entries.set(id, entry);
    }
    return entry;
  }
}

/** What every row of the index says of a model: its namespace only where it has one. */
export function indexed(id: ModelIdentifier): RepositoryIndexEntryJson {
  const namespace = namespaceOf(id);
  return { name: nameOf(id), ...(namespace !== '' && { namespace }) };
}

function unknownModel(what: string, code: StatusCode = 'NOT_FOUND'): InferenceServerError {
  return new InferenceServerError(code, `Request for unknown model: ${what}`);
}

function parseVersion(version: string): number {
  if (/^\d+$/.test(version)) return Number(version);
  throw new InferenceServerError(
    'INVALID_ARG',
    `failed to get model version from specified version string '${version}', version should be an integral value > 0`,
  );
}
