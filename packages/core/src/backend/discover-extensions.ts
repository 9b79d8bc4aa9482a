import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readExtensionManifest, type ExtensionManifest } from './extension-manifest.ts';

/** Backends and repository agents that were found, and manifests that could not be read. */
export interface Discovery {
  readonly backends: readonly ExtensionManifest[];
  readonly repositoryAgents: readonly ExtensionManifest[];
  readonly problems: readonly string[];
}

/**
 * Finds what is installed for the server: packages with a manifest in the `node_modules` folders at and above the given
 * places, and in the folders of `--backend-directory` and `--repoagent-directory`. The first of a name wins.
 *
 * @param places - Folders or files to start from, the most important first.
 */
export function discoverExtensions(places: readonly string[], directories: readonly string[]): Discovery {
  const byName = new Map<string, ExtensionManifest>();
  const problems: string[] = [];
  const packages = [
    ...directories.flatMap(subfolders),
    ...[...new Set(places.flatMap(nodeModulesAbove))].flatMap(installedPackages),
  ];
  for (const directory of packages) {
    try {
      const manifest = readExtensionManifest(directory);
      if (manifest === undefined) continue;
      const name = `${manifest.kind} ${manifest.name}`;
      if (!byName.has(name)) byName.set(name, manifest);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  const manifests = [...byName.values()];
  return {
    backends: manifests.filter(({ kind }) => kind === 'backend'),
    repositoryAgents: manifests.filter(({ kind }) => kind === 'repositoryAgent'),
    problems,
  };
}

/** `node_modules` folders of a place and of all folders above it. */
function nodeModulesAbove(place: string): string[] {
  const found: string[] = [];
  for (let at = place; ; at = dirname(at)) {
    const folder = join(at, 'node_modules');
    if (existsSync(folder)) found.push(folder);
    if (dirname(at) === at) return found;
  }
}

/** Packages of a `node_modules` folder, with scopes. */
function installedPackages(nodeModules: string): string[] {
  return subfolders(nodeModules)
    .filter((folder) => !basename(folder).startsWith('.'))
    .flatMap((folder) => (basename(folder).startsWith('@') ? subfolders(folder) : [folder]));
}

function subfolders(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map((entry) => join(directory, entry.name));
  } catch {
    return [];
  }
}
