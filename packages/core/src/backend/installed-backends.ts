import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackendRegistry } from './backend-registry.ts';
import { discoverExtensions } from './discover-extensions.ts';
import type { ExtensionManifest } from './extension-manifest.ts';

/** Backends that can be used, and what was wrong with packages that could not be read. */
export interface InstalledBackends {
  readonly registry: BackendRegistry;
  /** Found beside them; an agent is imported when the first model wants it. */
  readonly repositoryAgents: readonly ExtensionManifest[];
  /** Imported where HTTP is spoken. */
  readonly httpPlugins: readonly ExtensionManifest[];
  readonly problems: readonly string[];
}

/**
 * Finds and imports the backends that are installed beside the working directory, the command and this package,
 * and those in the given folders.
 */
export async function openInstalledBackends(
  directories: readonly string[],
  settings: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<InstalledBackends> {
  const here = dirname(fileURLToPath(import.meta.url));
  const places = [process.cwd(), dirname(process.argv[1] ?? here), here];
  const { backends, ...found } = discoverExtensions(places, directories);
  return { ...found, registry: await BackendRegistry.open(backends, settings) };
}
