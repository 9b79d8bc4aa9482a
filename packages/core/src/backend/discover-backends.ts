import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { BackendManifest } from './backend-manifest.ts';
import { readBackendManifest } from './backend-manifest.ts';

/** Backends that were found, and manifests that could not be read. */
export interface Discovery {
  readonly manifests: readonly BackendManifest[];
  readonly problems: readonly string[];
}

/**
 * Finds the installed backends: packages with a manifest in the `node_modules` folders at and above the given
 * places, and in the folders of `--backend-directory`. The first of a name wins.
 *
 * @param places - Folders or files to start from, the most important first.
 */
export function discoverBackends(
  places: readonly string[],
  backendDirectories: readonly string[],
): Discovery {
  const byName = new Map<string, BackendManifest>();
  const problems: string[] = [];
  const packages = [
    ...backendDirectories.flatMap(subfolders),
    ...[...new Set(places.flatMap(nodeModulesAbove))].flatMap(installedPackages),
  ];
  for (const directory of packages) {
    try {
      const manifest = readBackendManifest(directory);
      if (manifest !== undefined && !byName.has(manifest.name)) byName.set(manifest.name, manifest);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { manifests: [...byName.values()], problems };
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
