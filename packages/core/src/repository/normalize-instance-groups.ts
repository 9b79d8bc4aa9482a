import type { ModelConfig, ModelInstanceGroup } from '@nereid/protocol/model-config';
import type { KnownBackend } from './known-backends.ts';

/**
 * The instance groups with names, kinds, counts and GPUs filled in (CFG-12, CFG-13): one group of the model's own
 * name when there is none. Counts below 0 are left for the validation to refuse.
 *
 * @param gpus - The server's GPUs.
 */
export function normalizeInstanceGroups(
  config: ModelConfig,
  backend: KnownBackend | undefined,
  gpus: readonly number[],
): readonly ModelInstanceGroup[] {
  const groups =
    config.instance_group.length > 0 ? config.instance_group : [{ ...NEW_GROUP, name: config.name }];
  return groups.map((group, index) => {
    const name = group.name || `${config.name}_${index}`;
    const kind = group.kind === 'KIND_AUTO' ? automaticKind(group, backend, gpus) : group.kind;
    const defaultCount = kind === 'KIND_CPU' ? (backend?.defaultInstanceCount ?? 1) : 1;
    const ownGpus = kind === 'KIND_GPU' && group.gpus.length === 0 ? gpus : group.gpus;
    return { ...group, name, kind, count: group.count || defaultCount, gpus: ownGpus };
  });
}

const NEW_GROUP: ModelInstanceGroup = {
  name: '',
  kind: 'KIND_AUTO',
  count: 0,
  gpus: [],
  secondary_devices: [],
  profile: [],
  passive: false,
  host_policy: '',
};

/** GPUs that are listed are wanted, whatever the backend prefers. */
function automaticKind(
  group: ModelInstanceGroup,
  backend: KnownBackend | undefined,
  gpus: readonly number[],
): ModelInstanceGroup['kind'] {
  const wanted = group.gpus.length > 0 || backend?.automaticKind === 'KIND_GPU';
  const usable = gpus.length > 0 && group.gpus.every((gpu) => gpus.includes(gpu));
  return wanted && usable ? 'KIND_GPU' : 'KIND_CPU';
}
