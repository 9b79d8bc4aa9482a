import type { ParameterSpec } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import type { ExtensionManifest } from './extension-manifest.ts';
import { FoundBackend, type BackendSettings, type LoadedBackend } from './found-backend.ts';

/** The cause of an error about a backend that no installed package provides. */
export class MissingBackend extends Error {
  readonly backendName: string;

  constructor(backendName: string) {
    super(`backend '${backendName}' is not installed`);
    this.backendName = backendName;
  }

  /** The missing backend that an error comes from, however deep; undefined when it has another cause. */
  static causeOf(error: unknown): MissingBackend | undefined {
    for (let at = error; at instanceof Error; at = at.cause) if (at instanceof MissingBackend) return at;
    return undefined;
  }
}

/** A found backend, usable or not. */
export interface BackendStatus {
  readonly manifest: ExtensionManifest;
  /** Undefined when it can be used, as far as that is known: all of it once its module was imported. */
  readonly problem: InferenceServerError | undefined;
  /** The settings that it declares, without those that its runtime has, too. None before it is imported. */
  readonly settings: Readonly<Record<string, ParameterSpec>>;
}

/** The backends by name. Found at startup; a backend's module is imported when a model may be for it. */
export class BackendRegistry {
  readonly #found: ReadonlyMap<string, FoundBackend>;

  private constructor(found: readonly FoundBackend[]) {
    this.#found = new Map(found.map((one) => [one.manifest.name, one]));
  }

  /**
   * Looks at the backends that were found. One that can't be used is kept with its reason and stops nothing. Those that the command
   * line has settings for are imported: only they can tell whether these are right.
   *
   * @param settings - Settings by backend name; those under '' are for all, and a runtime's for what it runs.
   */
  static async open(
    manifests: readonly ExtensionManifest[],
    settings: BackendSettings,
  ): Promise<BackendRegistry> {
    // Not by localeCompare, whose first call loads the rules of the locale: 25 ms of a start.
    const sorted = manifests.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const found = sorted.map((manifest) => new FoundBackend(manifest, manifests, settings));
    await loadEach(found.filter((one) => Object.hasOwn(settings, one.manifest.name) || one.isBroken));
    return new BackendRegistry(found);
  }

  /** Imports all backends. Returns those that can be used. */
  loadAll(): Promise<readonly LoadedBackend[]> {
    return loadEach([...this.#found.values()]);
  }

  /** All backends that were found, by name. */
  status(): readonly BackendStatus[] {
    return [...this.#found.values()].map(({ manifest, problem, loaded }) => {
      const shared = this.#found.get(manifest.runtime ?? '')?.loaded?.backend.settings ?? {};
      const settings = Object.entries(loaded?.backend.settings ?? {});
      const own = settings.filter(([name]) => !Object.hasOwn(shared, name));
      return { manifest, problem, settings: Object.fromEntries(own) };
    });
  }

  /** Imports a backend. Returns undefined when it is not there, or can't be used. */
  async find(name: string): Promise<LoadedBackend | undefined> {
    const found = this.#found.get(name);
    return found && (await loadEach([found]))[0];
  }

  /**
   * Imports a backend.
   *
   * @throws InferenceServerError INVALID_ARG saying what to install, or why the backend can't be used.
   */
  async get(name: string): Promise<LoadedBackend> {
    const found = this.#found.get(name);
    if (found !== undefined) return found.load();
    const usable = this.status().filter(({ problem }) => problem === undefined);
    const installed = usable.map(({ manifest }) => manifest.name).join(', ') || 'none';
    throw new InferenceServerError(
      'INVALID_ARG',
      `unable to find backend '${name}': no installed package provides it (installed: ${installed}). ` +
        `Install the package of that backend, or name its folder with --backend-directory`,
      { cause: new MissingBackend(name) },
    );
  }
}

/** Imports backends. Returns those that can be used; why another can't is kept with it. */
async function loadEach(found: readonly FoundBackend[]): Promise<readonly LoadedBackend[]> {
  await Promise.allSettled(found.map((one) => one.load()));
  return found.flatMap(({ loaded }) => loaded ?? []);
}
