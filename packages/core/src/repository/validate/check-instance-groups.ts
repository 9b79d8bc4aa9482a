import type { ModelInstanceGroup } from '@nereid/protocol/model-config';
import { refuse, type ConfigCheck } from './check.ts';

/**
 * Instances that a model may have. Each takes memory and a place on an executor, so that a count with a few zeros too
 * many would end the server; more than there are processors help only models that wait, as for another service.
 */
const MAX_INSTANCES = 1024;

/** The number of instances, before anything is prepared for them. */
export function checkInstanceCount(check: ConfigCheck): void {
  const { name, instance_group: groups } = check.config;
  let instances = 0;
  for (const [at, { count, name: group }] of groups.entries()) {
    instances += count;
    if (instances <= MAX_INSTANCES) continue;
    refuse(
      check,
      `instance_group[${at}].count`,
      `instance group ${group} of model ${name} brings the model to ${instances} instances, expected at most ${MAX_INSTANCES}; lower its count`,
    );
  }
}

/** Instance groups: GPUs that there are, a count, and resources that can be counted (CFG-12, CFG-14, SCH-30). */
export function checkInstanceGroups(check: ConfigCheck): void {
  const { name, instance_group: groups, platform } = check.config;
  for (const [at, group] of groups.entries()) {
    const path = `instance_group[${at}]`;
    const what = `instance group ${group.name} of model ${name}`;
    if (group.count < 1)
      refuse(check, `${path}.count`, `${what} must have a count >= 1, found ${group.count}`);
    if (group.kind === 'KIND_GPU') checkGpus(check, group, { path, what });
    else if (group.gpus.length > 0) {
      refuse(check, `${path}.gpus`, `${what} has kind ${group.kind} but specifies one or more GPUs`);
    }
    checkResources(check, group, { path, what });
    if (group.profile.length > 0 && platform !== 'tensorrt_plan') {
      const rule = 'specifies profile field which is only supported for TensorRT models';
      refuse(check, `${path}.profile`, `${what} and platform '${platform}' ${rule}`);
    }
  }
}

/** Which group is checked: its field, and how messages name it. */
interface CheckedGroup {
  readonly path: string;
  readonly what: string;
}

function checkGpus(check: ConfigCheck, { gpus }: ModelInstanceGroup, { path, what }: CheckedGroup): void {
  if (gpus.length === 0) {
    const rule = 'has kind KIND_GPU but no GPUs are available';
    refuse(check, `${path}.kind`, `${what} ${rule}: the server finds no /dev/nvidia0, use KIND_CPU`);
  }
  for (const gpu of gpus) {
    if (check.gpus.includes(gpu)) continue;
    const usable = check.gpus.join(', ') || 'none: use KIND_CPU';
    refuse(
      check,
      `${path}.gpus`,
      `${what} specifies invalid or unsupported gpu id ${gpu}, GPUs that this server can use: ${usable}`,
    );
  }
}

/** A priority of 0 is none given, and counts as 1. */
function checkResources(
  check: ConfigCheck,
  { rate_limiter: limiter }: ModelInstanceGroup,
  { path, what }: CheckedGroup,
): void {
  const resources = limiter?.resources ?? [];
  for (const [at, { name, count }] of resources.entries()) {
    const resourcePath = `${path}.rate_limiter.resources[${at}]`;
    if (name === '') refuse(check, resourcePath, `${what} must specify 'name' of each rate_limiter resource`);
    if (resources.findIndex((other) => other.name === name) < at) {
      const rule = 'more than once: give it one count, of all units that an execution holds';
      refuse(check, `${resourcePath}.name`, `${what} specifies resource '${name}' ${rule}`);
    }
    if (count >= 1) continue;
    refuse(
      check,
      resourcePath,
      `${what} must have a count >= 1 of resource '${name}', found ${count}: leave it out where none is needed`,
    );
  }
}
