import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SDK_VERSION } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import satisfies from 'semver/functions/satisfies.js';

/** What a package may bring: the field of `nereid` in its `package.json`. */
export type ExtensionKind = 'backend' | 'repositoryAgent' | 'httpPlugin';

/** How messages name what a package brings. */
const WORDS: Readonly<Record<ExtensionKind, string>> = {
  backend: 'backend',
  repositoryAgent: 'repository agent',
  httpPlugin: 'HTTP plugin',
};

const KINDS = Object.keys(WORDS) as readonly ExtensionKind[];

/** What a package says of itself in `package.json`, under `nereid.<kind>`. */
export interface ExtensionManifest {
  readonly kind: ExtensionKind;
  /** Name in `config.pbtxt`, or on the command line. */
  readonly name: string;
  /** Package name and version, for messages and `nereid backends`. */
  readonly packageName: string;
  readonly packageVersion: string;
  /** The folder of its `package.json`, or of its files. */
  readonly directory: string;
  /** URL of the entry module; '' for a backend that another one runs. */
  readonly entry: string;
  /** The backend that runs this one, which then has no module of its own. */
  readonly runtime: string | undefined;
  /** A folder with this file and without a manifest is a backend that this one runs. */
  readonly runtimeFile: string | undefined;
  /** All that the manifest says. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** SDK versions it works with, an npm version range: `^0.1.0`. */
  readonly sdkVersion: string;
  readonly stability: string;
}

/**
 * Reads the manifest of the package in a folder.
 *
 * @returns undefined when the package brings nothing for the server.
 * @throws InferenceServerError INVALID_ARG naming the file and field when the manifest is wrong.
 */
export function readExtensionManifest(directory: string): ExtensionManifest | undefined {
  const file = join(directory, 'package.json');
  const json = parseObject(file);
  const nereid = json?.['nereid'];
  if (!isObject(nereid)) return undefined;
  const kind = KINDS.find((one) => isObject(nereid[one]));
  const fields = kind === undefined ? undefined : nereid[kind];
  if (kind === undefined || !isObject(fields)) return undefined;
  const text = (field: string, fallback?: string): string => {
    const value = fields[field] ?? fallback;
    if (typeof value === 'string' && value !== '') return value;
    throw new InferenceServerError(
      'INVALID_ARG',
      `${file}: nereid.${kind}.${field} must be a non-empty string, found ${JSON.stringify(fields[field])}`,
    );
  };
  const optional = (field: string): string | undefined =>
    fields[field] === undefined ? undefined : text(field);
  const runtime = kind === 'backend' ? optional('runtime') : undefined;
  return {
    kind,
    name: text('name'),
    packageName: textOr(json?.['name'], directory),
    packageVersion: textOr(json?.['version'], '0.0.0'),
    directory,
    entry: runtime === undefined ? pathToFileURL(join(directory, text('entry'))).href : '',
    runtime,
    runtimeFile: optional('runtimeFile'),
    fields,
    // What a runtime runs is not written against the SDK.
    sdkVersion: runtime === undefined ? text('sdkVersion') : '*',
    stability: text('stability', 'development'),
  };
}

/** The manifest of a folder that has none, and the file by which a runtime knows its own. */
export function folderManifest(directory: string, runtime: ExtensionManifest): ExtensionManifest {
  return {
    kind: 'backend',
    name: basename(directory),
    packageName: directory,
    packageVersion: '0.0.0',
    directory,
    entry: '',
    runtime: runtime.name,
    runtimeFile: undefined,
    fields: {},
    sdkVersion: '*',
    stability: 'development',
  };
}

/** Why a package can't be used: it was written for another SDK. UNSUPPORTED, names both versions and what to do. */
export function sdkProblemOf(manifest: ExtensionManifest): InferenceServerError | undefined {
  // What most say: semver compiles some forty expressions before its first answer.
  if (manifest.sdkVersion === '*' || manifest.sdkVersion === `^${SDK_VERSION}`) return undefined;
  if (satisfies(SDK_VERSION, manifest.sdkVersion, { includePrerelease: true })) return undefined;
  return new InferenceServerError(
    'UNSUPPORTED',
    `${WORDS[manifest.kind]} '${manifest.name}' (${manifest.packageName} ${manifest.packageVersion}) needs Backend SDK ` +
      `${manifest.sdkVersion}, but this server has ${SDK_VERSION}: install a version of ${manifest.packageName} made for it`,
  );
}

/** @throws InferenceServerError as {@link sdkProblemOf} says. */
export function assertSdkVersion(manifest: ExtensionManifest): void {
  const problem = sdkProblemOf(manifest);
  if (problem !== undefined) throw problem;
}

function parseObject(file: string): Record<string, unknown> | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (cause) {
    throw new InferenceServerError('INVALID_ARG', `${file} is not JSON: ${String(cause)}`, { cause });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}
