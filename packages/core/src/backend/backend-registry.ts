import type { Backend, ParameterSpec } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { assertSettings } from './assert-settings.ts';
import { assertSdkVersion, type ExtensionManifest } from './extension-manifest.ts';
import { loadBackend, type BackendSource } from './load-backend.ts';

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

/** A backend that can be used. */
export interface LoadedBackend {
  readonly manifest: ExtensionManifest;
  readonly source: BackendSource;
  readonly backend: Backend;
  readonly settings: Readonly<Record<string, string>>;
}

/** A found backend, usable or not. */
export interface BackendStatus {
  readonly manifest: ExtensionManifest;
  /** Undefined when it can be used. */
  readonly problem: InferenceServerError | undefined;
  /** The settings that it declares, without those that its runtime has, too. */
  readonly settings: Readonly<Record<string, ParameterSpec>>;
}

/** The backends by name. Found at startup; a backend's module is imported when the registry is opened. */
export class BackendRegistry {
  readonly #loaded = new Map<string, LoadedBackend>();
  readonly #failed = new Map<string, { manifest: ExtensionManifest; problem: InferenceServerError }>();

  private constructor() {}

  /**
   * Imports the backends that were found. One that fails is kept with its reason and stops nothing.
   *
   * @param settings - Settings by backend name; those under '' are for all, and a runtime's for what it runs.
   */
  static async open(
    manifests: readonly ExtensionManifest[],
    settings: Readonly<Record<string, Readonly<Record<string, string>>>>,
  ): Promise<BackendRegistry> {
    const registry = new BackendRegistry();
    await Promise.all(
      manifests.map(async (manifest) => {
        try {
          assertSdkVersion(manifest);
          const source = toSource(manifest, manifests);
          const backend = await loadBackend(source);
          const own = settings[manifest.name] ?? {};
          const all = { ...settings[''], ...settings[manifest.runtime ?? ''], ...own };
          const owner = { word: 'backend', flag: '--backend-config', name: backend.name };
          assertSettings({ ...owner, settings: backend.settings }, { own, all });
          registry.#loaded.set(manifest.name, { manifest, source, backend, settings: all });
        } catch (error) {
          registry.#failed.set(manifest.name, { manifest, problem: InferenceServerError.from(error) });
        }
      }),
    );
    return registry;
  }

  /** All usable backends. */
  get backends(): readonly LoadedBackend[] {
    return [...this.#loaded.values()];
  }

  /** All backends that were found, by name. */
  status(): readonly BackendStatus[] {
    const usable = this.backends.map(({ manifest, backend }) => {
      const shared = this.#loaded.get(manifest.runtime ?? '')?.backend.settings ?? {};
      const own = Object.entries(backend.settings ?? {}).filter(([name]) => !Object.hasOwn(shared, name));
      return { manifest, problem: undefined, settings: Object.fromEntries(own) };
    });
    // Not by localeCompare, whose first call loads the rules of the locale: 25 ms of a start.
    const failed = [...this.#failed.values()].map((status) => ({ ...status, settings: {} }));
    return [...usable, ...failed].sort((a, b) => (a.manifest.name < b.manifest.name ? -1 : 1));
  }

  /**
   * A backend by its name.
   *
   * @throws InferenceServerError INVALID_ARG saying what to install, or why the backend can't be used.
   */
  get(name: string): LoadedBackend {
    const loaded = this.#loaded.get(name);
    if (loaded !== undefined) return loaded;
    const failed = this.#failed.get(name);
    if (failed !== undefined) throw failed.problem;
    const installed = [...this.#loaded.keys()].sort().join(', ') || 'none';
    throw new InferenceServerError(
      'INVALID_ARG',
      `unable to find backend '${name}': no installed package provides it (installed: ${installed}). ` +
        `Install the package of that backend, or name its folder with --backend-directory`,
      { cause: new MissingBackend(name) },
    );
  }
}

/** @throws InferenceServerError INVALID_ARG when the backend's runtime is not installed. */
function toSource(manifest: ExtensionManifest, manifests: readonly ExtensionManifest[]): BackendSource {
  const { name, directory, entry, fields } = manifest;
  if (manifest.runtime === undefined) return { entry, folder: undefined };
  const runtime = manifests.find((other) => other.name === manifest.runtime && other.runtime === undefined);
  if (runtime !== undefined) {
    assertSdkVersion(runtime);
    return { entry: runtime.entry, folder: { name, directory, manifest: fields } };
  }
  throw new InferenceServerError(
    'INVALID_ARG',
    `backend '${name}' (${directory}) needs backend '${manifest.runtime}' as its runtime, which is not installed: ` +
      `install the package of that backend`,
  );
}
