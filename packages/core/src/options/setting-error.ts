/** What is wrong with the settings in an option like `--trace-config=<setting>=<value>`. */
import { InferenceServerError } from '@nereid/protocol';
import { didYouMean } from '@nereid/protocol/model-config';
import type { Bounds, Settings } from './option-spec.ts';

/** @throws InferenceServerError INVALID_ARG for a setting that is not one of those known. */
export function assertKnown(option: string, settings: Settings, known: readonly string[]): void {
  const unknown = Object.keys(settings).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const hint = didYouMean(unknown, known);
  throw new InferenceServerError(
    'INVALID_ARG',
    `option --${option}: expected a setting of ${known.join(', ')}, found '${unknown}'${hint}`,
  );
}

/** The error for a setting whose value cannot be. */
export function badSetting(option: string, expected: string, found: string): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `option --${option}: expected ${expected}, found '${found}'`,
  );
}

/** @throws InferenceServerError INVALID_ARG for what is no integer within the bounds. */
export function parseInteger(option: string, name: string, text: string, bounds: Bounds): number {
  const { least = 0, most = 2 ** 31 - 1 } = bounds;
  const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw badSetting(option, `${name} as an integer from ${least} on`, text);
}
