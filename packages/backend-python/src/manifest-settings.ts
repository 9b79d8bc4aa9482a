import {
  readBackendSettings,
  type BackendFolder,
  type GivenSettings,
  type ParameterSpec,
} from '@nereid/backend-sdk';
import { wrongManifest } from './manifest-error.ts';
import { PYTHON_SETTINGS } from './python-settings.ts';

type Specs = Readonly<Record<string, ParameterSpec>>;

/** The settings of a Python-based backend as Python gets them; null: not given, and without a default. */
export type OwnSettings = Readonly<Record<string, string | number | boolean | null>>;

interface FieldCheck {
  readonly expected: string;
  accepts(value: unknown): boolean;
}

const TEXT: FieldCheck = { expected: 'a non-empty string', accepts: isText };
const NUMBER: FieldCheck = { expected: 'a number', accepts: Number.isFinite };
const TEXTS: FieldCheck = {
  expected: 'a list of texts',
  accepts: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
};
const BOOLEAN: FieldCheck = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };

/** The fields of a setting beside its type. */
const FIELDS: ReadonlyMap<unknown, ReadonlyMap<string, FieldCheck>> = new Map([
  ['integer', fieldsOf({ default: NUMBER, minimum: NUMBER, maximum: NUMBER })],
  ['number', fieldsOf({ default: NUMBER, minimum: NUMBER, maximum: NUMBER })],
  ['boolean', fieldsOf({ default: BOOLEAN })],
  ['string', fieldsOf({ default: TEXT, oneOf: TEXTS })],
]);

function fieldsOf(fields: Readonly<Record<string, FieldCheck>>): ReadonlyMap<string, FieldCheck> {
  return new Map(Object.entries({ ...fields, description: TEXT }));
}

/**
 * Reads `nereid.backend.settings` of a manifest: `{ "<name>": { "type", "description", "default", … } }`.
 *
 * @throws InferenceServerError INVALID_ARG naming the file, the setting and the field that is wrong.
 */
export function readManifestSettings(folder: BackendFolder): Specs {
  const given = folder.manifest['settings'] ?? {};
  if (!isObject(given)) throw wrongManifest(folder, 'settings', 'an object with a setting for each name');
  for (const [name, setting] of Object.entries(given)) assertSetting(folder, name, setting);
  // Each was checked field by field.
  return given as Specs;
}

/** The values of the settings that a manifest declares. @throws InferenceServerError INVALID_ARG naming the setting. */
export function readOwnSettings(context: GivenSettings, specs: Specs): OwnSettings {
  const values = Object.entries(readBackendSettings(context, specs));
  return Object.fromEntries(values.map(([name, value]) => [name, value ?? null]));
}

function assertSetting(folder: BackendFolder, name: string, setting: unknown): void {
  const path = `settings.${name}`;
  if (Object.hasOwn(PYTHON_SETTINGS, name))
    throw wrongManifest(folder, path, 'another name: every Python-based backend has this setting', setting);
  if (!isObject(setting)) throw wrongManifest(folder, path, 'an object', setting);
  const { type, ...fields } = setting;
  const checks = FIELDS.get(type);
  if (checks === undefined)
    throw wrongManifest(folder, `${path}.type`, `one of ${[...FIELDS.keys()].join(', ')}`, type ?? null);
  for (const [field, value] of Object.entries({ description: null, ...fields })) {
    const check = checks.get(field);
    if (check === undefined)
      throw wrongManifest(folder, `${path}.${field}`, `only ${[...checks.keys()].join(', ')}`, value);
    if (!check.accepts(value)) throw wrongManifest(folder, `${path}.${field}`, check.expected, value);
  }
  assertDefault(folder, name, setting as unknown as ParameterSpec);
}

/** The default must be a value that may be given. */
function assertDefault(folder: BackendFolder, name: string, spec: ParameterSpec): void {
  if (spec.default === undefined) return;
  try {
    readBackendSettings(
      { backendName: folder.name, settings: { [name]: String(spec.default) } },
      { [name]: spec },
    );
  } catch {
    throw wrongManifest(folder, `settings.${name}.default`, 'a value within its own limits', spec.default);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
