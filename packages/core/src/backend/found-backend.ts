import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Backend } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { assertSettings } from './assert-settings.ts';
import { assertSdkVersion, type ExtensionManifest } from './extension-manifest.ts';
import { loadBackend, type BackendSource } from './load-backend.ts';

/** A backend that can be used. */
export interface LoadedBackend {
  readonly manifest: ExtensionManifest;
  readonly source: BackendSource;
  readonly backend: Backend;
  readonly settings: Readonly<Record<string, string>>;
}

/** What the command line sets, by backend; under '' for all of them. */
export type BackendSettings = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A backend that was found. Its module is imported when somebody asks for it: a start would do so for nothing otherwise. */
export class FoundBackend {
  readonly manifest: ExtensionManifest;
  readonly #manifests: readonly ExtensionManifest[];
  readonly #settings: BackendSettings;
  #loading: Promise<LoadedBackend> | undefined;
  #loaded: LoadedBackend | undefined;
  #problem: InferenceServerError | undefined;

  /**
   * @param manifests - Of all backends, its runtime's among them.
   * @param settings - Its own are those under its name and before them those of its runtime and those for all.
   */
  constructor(
    manifest: ExtensionManifest,
    manifests: readonly ExtensionManifest[],
    settings: BackendSettings,
  ) {
    this.manifest = manifest;
    this.#manifests = manifests;
    this.#settings = settings;
  }

  /** Undefined before it is imported, and when it can't be used. */
  get loaded(): LoadedBackend | undefined {
    return this.#loaded;
  }

  /** Why it can't be used; undefined before that was tried. */
  get problem(): InferenceServerError | undefined {
    return this.#problem;
  }

  /** Whether it can be told without its module that it can't be used. */
  get isBroken(): boolean {
    try {
      return !existsSync(fileURLToPath(this.#source().entry));
    } catch {
      return true;
    }
  }

  /**
   * Imports it, once.
   *
   * @throws InferenceServerError saying why it can't be used.
   */
  load(): Promise<LoadedBackend> {
    return (this.#loading ??= this.#load());
  }

  async #load(): Promise<LoadedBackend> {
    try {
      const source = this.#source();
      const backend = await loadBackend(source);
      this.#loaded = { manifest: this.manifest, source, backend, settings: this.#settingsOf(backend) };
      return this.#loaded;
    } catch (error) {
      this.#problem = InferenceServerError.from(error);
      throw this.#problem;
    }
  }

  /** @throws InferenceServerError INVALID_ARG for a setting that it does not have, or a wrong value. */
  #settingsOf({ name, settings: specs }: Backend): Readonly<Record<string, string>> {
    const { manifest } = this;
    const settings = this.#settings;
    const own = settings[manifest.name] ?? {};
    const all = { ...settings[''], ...settings[manifest.runtime ?? ''], ...own };
    assertSettings({ word: 'backend', flag: '--backend-config', name, settings: specs }, { own, all });
    return all;
  }

  /** @throws InferenceServerError when it was made for another server, or its runtime is not installed. */
  #source(): BackendSource {
    const { name, directory, entry, fields, runtime: runtimeName } = this.manifest;
    assertSdkVersion(this.manifest);
    if (runtimeName === undefined) return { entry, folder: undefined };
    const runtime = this.#manifests.find(
      (other) => other.name === runtimeName && other.runtime === undefined,
    );
    if (runtime !== undefined) {
      assertSdkVersion(runtime);
      return { entry: runtime.entry, folder: { name, directory, manifest: fields } };
    }
    throw new InferenceServerError(
      'INVALID_ARG',
      `backend '${name}' (${directory}) needs backend '${runtimeName}' as its runtime, which is not installed: ` +
        `install the package of that backend`,
    );
  }
}
