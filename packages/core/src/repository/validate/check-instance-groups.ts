import type { ModelInstanceGroup } from '@nereid/protocol/model-config';
import { refuse, type ConfigCheck } from './check.ts';

/** Instance groups: GPUs that there are, and a count (CFG-12, CFG-14). */
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
    if (group.profile.length > 0 && platform !== 'tensorrt_plan') {
      const rule = 'specifies profile field which is only supported for TensorRT models';
      refuse(check, `${path}.profile`, `${what} and platform '${platform}' ${rule}`);
    }
  }
}

function checkGpus(
  check: ConfigCheck,
  { gpus }: ModelInstanceGroup,
  { path, what }: { readonly path: string; readonly what: string },
): void {
  if (gpus.length === 0) refuse(check, `${path}.kind`, `${what} has kind KIND_GPU but no GPUs are available`);
  for (const gpu of gpus) {
    if (check.gpus.includes(gpu)) continue;
    const usable = check.gpus.join(', ') || 'none';
    refuse(
      check,
      `${path}.gpus`,
      `${what} specifies invalid or unsupported gpu id ${gpu}, GPUs that this server can use: ${usable}`,
    );
  }
}
