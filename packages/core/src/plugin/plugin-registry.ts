import type { HttpPlugin } from '@nereid/backend-sdk/http';
import { InferenceServerError } from '@nereid/protocol';
import { assertSettings } from '../backend/assert-settings.ts';
import { sdkProblemOf, type ExtensionManifest } from '../backend/extension-manifest.ts';
import { importEntry } from '../backend/load-backend.ts';

/** Where a plugin of the HTTP endpoint comes from, and what it is given. Plain data: it travels to fronts. */
export interface HttpPluginSource {
  readonly name: string;
  /** URL of its entry module. */
  readonly entry: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** A plugin that can be used. */
export interface LoadedHttpPlugin {
  readonly plugin: HttpPlugin;
  readonly settings: Readonly<Record<string, string>>;
}

/** A plugin that was found, usable or not. */
export interface HttpPluginStatus {
  readonly manifest: ExtensionManifest;
  /** Undefined when it can be used. */
  readonly problem: InferenceServerError | undefined;
}

type SettingsByPlugin = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The plugins of the HTTP endpoint. Found at startup; each is imported in every thread that speaks HTTP. */
export class PluginRegistry {
  readonly #status: readonly HttpPluginStatus[];
  readonly #settings: SettingsByPlugin;

  /** @param settings - By the name of the plugin. */
  constructor(manifests: readonly ExtensionManifest[], settings: SettingsByPlugin) {
    this.#settings = settings;
    this.#status = manifests
      .map((manifest) => ({ manifest, problem: sdkProblemOf(manifest) }))
      .sort((a, b) => (a.manifest.name < b.manifest.name ? -1 : 1));
  }

  /** All plugins that were found, by name. */
  status(): readonly HttpPluginStatus[] {
    return this.#status;
  }

  /**
   * Those that can be used, with their settings.
   *
   * @throws InferenceServerError INVALID_ARG for settings of a plugin that was not found.
   */
  sources(): readonly HttpPluginSource[] {
    const names = this.#status.map(({ manifest }) => manifest.name);
    const unknown = Object.keys(this.#settings).find((name) => !names.includes(name));
    if (unknown !== undefined) throw notInstalled(unknown, names);
    return this.#status
      .filter(({ problem }) => problem === undefined)
      .map(({ manifest: { name, entry } }) => ({ name, entry, settings: this.#settings[name] ?? {} }));
  }
}

/**
 * Imports a plugin in this thread.
 *
 * @throws InferenceServerError INTERNAL when its module can't be imported, INVALID_ARG when that exports no plugin, or for
 *   settings that it does not have.
 */
export async function loadHttpPlugin({ entry, settings }: HttpPluginSource): Promise<LoadedHttpPlugin> {
  const plugin = (await importEntry(entry, 'HTTP plugin')).default;
  if (!isHttpPlugin(plugin)) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `HTTP plugin module ${entry} has no plugin as its default export: export default defineHttpPlugin({ … })`,
    );
  }
  const owner = { word: 'HTTP plugin', flag: '--http-plugin-config', name: plugin.name };
  assertSettings({ ...owner, settings: plugin.settings ?? {} }, { own: settings, all: settings });
  return { plugin, settings };
}

function notInstalled(name: string, installed: readonly string[]): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `--http-plugin-config=${name},…: no installed package provides HTTP plugin '${name}' ` +
      `(installed: ${installed.join(', ') || 'none'})`,
  );
}

function isHttpPlugin(value: unknown): value is HttpPlugin {
  return typeof value === 'object' && value !== null && 'name' in value && 'register' in value;
}
