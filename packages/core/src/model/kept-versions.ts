import { isDeepStrictEqual } from 'node:util';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { changedBetween } from '../repository/folder-scan.ts';
import type { PreparedModel } from './model-source.ts';

/**
 * The versions that a reload need not load again (SCH-37): neither their files nor anything else in the model's
 * folder changed, and of the configuration nothing but the instance groups and the version policy.
 *
 * @param hasSequences - Whether a version serves sequences, which a configuration that its backend completed may say, too.
 * They live in slots of certain instances, and end where they began, beside a model that is loaded anew.
 * @returns None when the model must be loaded anew as a whole.
 */
export function findKeptVersions(
  before: PreparedModel,
  after: PreparedModel,
  hasSequences: boolean,
): readonly number[] {
  if (before.modelDirectory !== after.modelDirectory) return [];
  if (!isDeepStrictEqual(withoutServing(before.config), withoutServing(after.config))) return [];
  if (hasSequences && !haveSameInstances(before, after)) return [];
  const changed = changedBetween(before.stamps, after.stamps);
  if ([...changed].some((name) => !isConfiguration(name) && !isVersion(name))) return [];
  return after.versions.filter(
    (version) => before.versions.includes(version) && !changed.has(String(version)),
  );
}

function isConfiguration(name: string): boolean {
  return name === 'config.pbtxt' || name === 'configs';
}

function isVersion(name: string): boolean {
  return /^\d+$/.test(name);
}

/** What a version is made of, without what only says how often and whether it is served. */
function withoutServing({ instance_group: _group, version_policy: _policy, ...rest }: ModelConfig): unknown {
  return rest;
}

function haveSameInstances(before: PreparedModel, after: PreparedModel): boolean {
  return isDeepStrictEqual(before.config.instance_group, after.config.instance_group);
}
