import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { folderManifest, readExtensionManifest, type ExtensionManifest } from './extension-manifest.ts';

/** What was found, and manifests that could not be read. */
export interface Discovery {
  readonly backends: readonly ExtensionManifest[];
  readonly repositoryAgents: readonly ExtensionManifest[];
  readonly httpPlugins: readonly ExtensionManifest[];
  readonly problems: readonly string[];
}

/**
 * Finds what is installed for the server: packages with a manifest in the `node_modules` folders at and above the given
 * places, and in the folders of `--backend-directory` and `--repoagent-directory`. The first of a name wins. In the
 * latter, a folder without a manifest is a backend when it has the file of a runtime.
 *
 * @param places - Folders or files to start from, the most important first.
 */
export function discoverExtensions(places: readonly string[], directories: readonly string[]): Discovery {
  const problems: string[] = [];
  const read = (directory: string): FoundFolder[] => {
    try {
      return [{ directory, manifest: readExtensionManifest(directory) }];
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return [];
    }
  };
  const given = directories.flatMap(subfolders).flatMap(read);
  const installed = [...new Set(places.flatMap(nodeModulesAbove))].flatMap(installedPackages).flatMap(read);
  const manifests = firstOfEachName([...withPlainFolders(given, installed), ...installed]);
  return {
    backends: manifests.filter(({ kind }) => kind === 'backend'),
    repositoryAgents: manifests.filter(({ kind }) => kind === 'repositoryAgent'),
    httpPlugins: manifests.filter(({ kind }) => kind === 'httpPlugin'),
    problems,
  };
}

interface FoundFolder {
  readonly directory: string;
  readonly manifest: ExtensionManifest | undefined;
}

/** The given folders, those that a runtime knows by its file among them. */
function withPlainFolders(
  given: readonly FoundFolder[],
  installed: readonly FoundFolder[],
): readonly FoundFolder[] {
  const runtimes = [...given, ...installed].flatMap(({ manifest }) =>
    manifest?.runtimeFile === undefined ? [] : [{ manifest, file: manifest.runtimeFile }],
  );
  return given.map(({ directory, manifest }) => {
    const runtime = runtimes.find(({ file }) => existsSync(join(directory, file)));
    if (manifest !== undefined || runtime === undefined) return { directory, manifest };
    return { directory, manifest: folderManifest(directory, runtime.manifest) };
  });
}

function firstOfEachName(found: readonly FoundFolder[]): readonly ExtensionManifest[] {
  const byName = new Map<string, ExtensionManifest>();
  for (const { manifest } of found) {
    if (manifest === undefined) continue;
    const name = `${manifest.kind} ${manifest.name}`;
    if (!byName.has(name)) byName.set(name, manifest);
  }
  return [...byName.values()];
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
