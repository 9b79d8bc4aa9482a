import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A line's place, behind the option for folders of packages: `./package[extra]`, `"wheels/a b.whl"`, `-f ./wheels`. */
const PLACE = /^[ \t]*(?:(?:-f|--find-links)[ \t=]*)?(?:"([^"\n]+)"|'([^'\n]+)'|([^\s;[#]+))/gm;
const FILE_URL = /\bfile:\/\/[^\s;#]+/g;
/** What names a package in an index has none of these. */
const IS_PATH = /[\\/]|\.(?:whl|zip|tar\.gz)$/;
/** What installers and Python leave in a folder of sources: it changes without any source being another. */
const MADE = /^(?:\..*|__pycache__|build|dist|.*\.egg-info)$/;

/**
 * What tells one content from another of the packages that lie beside a file with requirements: path, size and time of
 * change of each file. Those installed with `-e` are not among them: they are used in their place.
 *
 * @param folder - That of the file, from which its paths count.
 */
export async function describeLocalPackages(text: string, folder: string): Promise<readonly string[]> {
  const places = [...text.matchAll(PLACE)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  );
  const urls = [...text.matchAll(FILE_URL)].flatMap(([url]) => toPath(url));
  const paths = [...places.filter((place) => IS_PATH.test(place)), ...urls];
  const described = await Promise.all(paths.map((path) => describe(resolve(folder, path))));
  return described.flat();
}

async function describe(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return [];
  if (!found.isDirectory()) return [`${path} ${found.size} ${found.mtimeMs}`];
  const names = (await readdir(path)).filter((name) => !MADE.test(name)).sort();
  return (await Promise.all(names.map((name) => describe(join(path, name))))).flat();
}

function toPath(url: string): readonly string[] {
  try {
    return [fileURLToPath(url)];
  } catch {
    // Of another machine, or none: the installer says so.
    return [];
  }
}
