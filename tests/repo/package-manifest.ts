import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the tests of the repository look at in a package.json. */
export interface PackageManifest {
  readonly name: string;
  /** Folder of the package, absolute. */
  readonly folder: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin: Readonly<Record<string, string>>;
  /** Optional ones included. */
  readonly dependencies: Readonly<Record<string, string>>;
  readonly files: readonly string[];
}

export const ROOT = join(import.meta.dirname, '../..');

/** The packages that are published. */
export function publishedPackages(): readonly PackageManifest[] {
  return globSync('packages/*/package.json', { cwd: ROOT }).sort().map(readManifest);
}

function readManifest(path: string): PackageManifest {
  const json = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Partial<
    PackageManifest & { readonly optionalDependencies: PackageManifest['dependencies'] }
  >;
  const { name = '', exports = {}, bin = {}, files = [] } = json;
  const dependencies = { ...json.dependencies, ...json.optionalDependencies };
  return { name, folder: join(ROOT, dirname(path)), exports, bin, dependencies, files };
}
