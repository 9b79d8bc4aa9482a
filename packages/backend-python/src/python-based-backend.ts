import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineBackend, type Backend, type BackendFolder, type ModelFormat } from '@nereid/backend-sdk';
import { wrongManifest as wrong } from './manifest-error.ts';
import { readManifestSettings } from './manifest-settings.ts';
import { PYTHON_SETTINGS, warnOfUnusedSettings } from './python-settings.ts';

/** Fields of `nereid.backend` for every backend, which the server reads. */
const COMMON_FIELDS = ['name', 'runtime', 'sdkVersion', 'stability'];
const OWN_FIELDS = ['model', 'formats', 'defaultInstanceCount', 'automaticKind', 'settings'];

/**
 * Triton's Python-based backends: one `model.py` in the folder of the backend serves all its models.
 *
 * @throws InferenceServerError INVALID_ARG naming the field of the manifest, what was expected and found.
 */
export function createPythonBasedBackend(folder: BackendFolder): Backend {
  const { name, directory, manifest } = folder;
  const unknown = Object.keys(manifest).find((key) => ![...COMMON_FIELDS, ...OWN_FIELDS].includes(key));
  if (unknown !== undefined) throw wrong(folder, unknown, `one of ${OWN_FIELDS.join(', ')} as further field`);
  const file = join(directory, readText(folder, 'model') ?? 'model.py');
  if (!existsSync(file)) throw wrong(folder, 'model', `a file that is there (${file})`);
  const [format, ...otherFormats] = readFormats(folder);
  const defaultInstanceCount = readCount(folder, 'defaultInstanceCount');
  const own = readManifestSettings(folder);
  return defineBackend({
    name,
    instanceHost: 'in-process',
    settings: { ...PYTHON_SETTINGS, ...own },
    start: warnOfUnusedSettings,
    ...format,
    otherFormats,
    automaticKind: readKind(folder),
    ...(defaultInstanceCount !== undefined && { defaultInstanceCount }),
    createModel: async (context) =>
      (await import('./create-python-model.ts')).createPythonModel(context, { file, settings: own }),
  });
}

function readFormats(folder: BackendFolder): readonly ModelFormat[] {
  const given = folder.manifest['formats'] ?? [];
  const expected = 'a list of objects with platform, defaultModelFilename or both';
  if (!Array.isArray(given)) throw wrong(folder, 'formats', expected);
  return given.map((format: unknown) => {
    if (!isFormat(format)) throw wrong(folder, 'formats', expected);
    return format;
  });
}

function isFormat(value: unknown): value is ModelFormat {
  if (typeof value !== 'object' || value === null) return false;
  const fields = Object.entries(value);
  const isKnown = ([key, text]: [string, unknown]): boolean =>
    ['platform', 'defaultModelFilename'].includes(key) && typeof text === 'string' && text !== '';
  return fields.length > 0 && fields.every(isKnown);
}

function readText(folder: BackendFolder, field: string): string | undefined {
  const value = folder.manifest[field];
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw wrong(folder, field, 'a non-empty string');
}

/** Without one it is as for Python models. */
function readKind(folder: BackendFolder): 'KIND_CPU' | 'KIND_GPU' {
  const value = folder.manifest['automaticKind'] ?? 'KIND_GPU';
  if (value === 'KIND_CPU' || value === 'KIND_GPU') return value;
  throw wrong(folder, 'automaticKind', 'KIND_CPU or KIND_GPU');
}

function readCount(folder: BackendFolder, field: string): number | undefined {
  const value = folder.manifest[field];
  if (value === undefined || (typeof value === 'number' && Number.isInteger(value) && value > 0))
    return value;
  throw wrong(folder, field, 'a whole number above 0');
}
