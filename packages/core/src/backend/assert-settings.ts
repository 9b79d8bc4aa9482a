import { readBackendSettings, type Backend } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';

type Settings = Readonly<Record<string, string>>;

/** What the command line gives a backend, by where it comes from. */
export interface SettingsBySource {
  /** Under its own name. */
  readonly own: Settings;
  /** Together with those of its runtime and those for all backends, of which it need not have every one. */
  readonly all: Settings;
}

/**
 * Checks the settings of a backend that declares which ones it has.
 *
 * @throws InferenceServerError INVALID_ARG naming the backend, the setting, what was expected and found.
 */
export function assertSettings({ name, settings: specs }: Backend, { own, all }: SettingsBySource): void {
  if (specs === undefined) return;
  const unknown = Object.keys(own).find((setting) => !Object.hasOwn(specs, setting));
  if (unknown !== undefined) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `backend '${name}' has no setting '${unknown}' (--backend-config=${name},${unknown}=…): ` +
        `it has ${Object.keys(specs).sort().join(', ') || 'none'}`,
    );
  }
  readBackendSettings({ backendName: name, settings: all }, specs);
}
