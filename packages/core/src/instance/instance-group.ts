import type { InstanceContext } from '@nereid/backend-sdk';
import type { ModelConfig } from '@nereid/protocol/model-config';

/** An instance that the configuration asks for. */
export type InstancePlan = Omit<InstanceContext, 'config'>;

/**
 * The instances of a model by a name that changes with anything that the configuration says of them: what has the
 * same in two configurations needn't be made anew.
 */
export function planInstancesByKey(config: ModelConfig): ReadonlyMap<string, InstancePlan> {
  const plans = new Map<string, InstancePlan>();
  for (const group of config.instance_group) {
    for (const plan of planInstances({ ...config, instance_group: [group] })) {
      const key = JSON.stringify([plan, { ...group, count: 0 }]);
      // Two groups may be the same in every respect.
      let copy = 0;
      while (plans.has(`${key}${copy}`)) copy += 1;
      plans.set(`${key}${copy}`, plan);
    }
  }
  return plans;
}

/** The instances of a model: `count` of each group, named `<group>_<index>`. */
export function planInstances(config: ModelConfig): readonly InstancePlan[] {
  return config.instance_group
    .filter((group) => !group.passive)
    .flatMap((group) => {
      const kind = group.kind === 'KIND_GPU' || group.kind === 'KIND_MODEL' ? group.kind : 'KIND_CPU';
      const devices = kind === 'KIND_GPU' && group.gpus.length > 0 ? group.gpus : [0];
      return devices.flatMap((deviceId) =>
        Array.from({ length: group.count }, (_, index) => ({
          instanceName: `${group.name}_${index}`,
          kind,
          deviceId,
        })),
      );
    });
}
