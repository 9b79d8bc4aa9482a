import type { ModelVersionPolicy } from '@nereid/protocol/model-config';
import { configError, type ConfigSource } from './config-source.ts';

/** Which model's policy it is, and where that is written. */
export interface VersionPolicyContext {
  readonly modelName: string;
  readonly source: ConfigSource;
}

/**
 * The versions of a model that its policy selects (CFG-11): the latest one without a policy. Versions that
 * `specific` names and the folder lacks are left out, as in Triton.
 *
 * @param available - Versions in the model's folder, in any order.
 * @returns Ascending, at least one.
 * @throws InferenceServerError INVALID_ARG when no version is left, with the place of the policy.
 */
export function selectVersions(
  policy: ModelVersionPolicy | undefined,
  available: readonly number[],
  { modelName, source }: VersionPolicyContext,
): readonly number[] {
  const ascending = available.toSorted((a, b) => a - b);
  const selected = select(policy, ascending);
  if (selected.length > 0) return selected;
  throw configError(
    source,
    'version_policy',
    `at least one version must be available under the version policy of model '${modelName}': ` +
      `${describe(policy)}, found ${ascending.length === 0 ? 'no version folder' : ascending.join(', ')}`,
  );
}

function select(policy: ModelVersionPolicy | undefined, ascending: readonly number[]): readonly number[] {
  if (policy?.all !== undefined) return ascending;
  const specific = policy?.specific;
  if (specific !== undefined) return ascending.filter((version) => specific.versions.includes(version));
  return ascending.slice(-latestCount(policy));
}

/** 0 is what an empty `latest {}` reads as; the proto's documented default is 1. */
function latestCount(policy: ModelVersionPolicy | undefined): number {
  return policy?.latest?.num_versions || 1;
}

function describe(policy: ModelVersionPolicy | undefined): string {
  if (policy?.all !== undefined) return 'it asks for all';
  if (policy?.specific !== undefined) return `it asks for ${policy.specific.versions.join(', ') || 'none'}`;
  return `it asks for the latest ${latestCount(policy)}`;
}
