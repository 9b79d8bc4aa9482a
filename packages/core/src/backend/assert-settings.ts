import { readSettings, type ParameterSpec } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { didYouMean } from '@nereid/protocol/model-config';

type Settings = Readonly<Record<string, string>>;

/** Who takes settings, and how messages name it. */
export interface SettingsOwner {
  /** What it is: `backend`. */
  readonly word: string;
  /** Where its settings come from: `--backend-config`. */
  readonly flag: string;
  readonly name: string;
  /** Those that it has; undefined: any. */
  readonly settings: Readonly<Record<string, ParameterSpec>> | undefined;
}

/** What the command line gives a backend, by where it comes from. */
export interface SettingsBySource {
  /** Under its own name. */
  readonly own: Settings;
  /** Together with those of its runtime and those for all backends, of which it need not have every one. */
  readonly all: Settings;
}

/**
 * Checks the settings of one that declares which ones it has.
 *
 * @throws InferenceServerError INVALID_ARG naming it, the setting, what was expected and found.
 */
export function assertSettings(
  { word, flag, name, settings: specs }: SettingsOwner,
  { own, all }: SettingsBySource,
): void {
  if (specs === undefined) return;
  const unknown = Object.keys(own).find((setting) => !Object.hasOwn(specs, setting));
  if (unknown !== undefined) {
    const names = Object.keys(specs).sort();
    throw new InferenceServerError(
      'INVALID_ARG',
      `${word} '${name}' has no setting '${unknown}' (${flag}=${name},${unknown}=…): ` +
        `it has ${names.join(', ') || 'none'}${didYouMean(unknown, names)}`,
    );
  }
  readSettings(`${word} '${name}'`, all, specs);
}
