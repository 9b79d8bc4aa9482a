import type { Backend } from '@nereid/backend-sdk';
import type { ModelConfig } from '@nereid/protocol/model-config';

/** What the repository needs to know of a backend; one that takes several formats stands once for each. */
export interface KnownBackend {
  /** Name in `config.pbtxt`; '' for the ensemble, which has none. */
  readonly name: string;
  /** Value of the old `platform` field that stands for this backend. */
  readonly platform?: string;
  /** File in the version folder by which a model without configuration is recognised. */
  readonly defaultModelFilename?: string;
  /** Instances of a CPU group that names no count. Default: 1. */
  readonly defaultInstanceCount?: number;
  /** What KIND_AUTO stands for on a machine with GPUs. Default: KIND_CPU. */
  readonly automaticKind?: Backend['automaticKind'];
}

/** The platform of an ensemble. */
export const ENSEMBLE_PLATFORM = 'ensemble';

/**
 * Triton's backends with their platforms and file names, in the order in which files decide (CFG-03, CFG-37),
 * whether installed or not: a model of one that is not installed shall say so instead of being unknown.
 */
const TRITON_BACKENDS: readonly KnownBackend[] = [
  { name: '', platform: ENSEMBLE_PLATFORM },
  backend('tensorflow', 'tensorflow_savedmodel', 'model.savedmodel', 2),
  backend('tensorflow', 'tensorflow_graphdef', 'model.graphdef', 2),
  backend('tensorrt', 'tensorrt_plan', 'model.plan'),
  backend('onnxruntime', 'onnxruntime_onnx', 'model.onnx', 2),
  { name: 'openvino', defaultModelFilename: 'model.xml' },
  backend('pytorch', 'pytorch_libtorch', 'model.pt'),
  backend('pytorch', 'torch_aoti', 'model.pt2'),
  { name: 'python', defaultModelFilename: 'model.py' },
];

/**
 * The one backend that a configuration can be for, by what it says; '' for an ensemble's. undefined: any may be, and what all of
 * them say of themselves decides.
 */
export function onlyBackendOf({ backend: name, platform }: ModelConfig): string | undefined {
  if (platform === '') return name === '' ? undefined : name;
  const [row] = TRITON_BACKENDS.filter((known) => known.platform === platform);
  return row !== undefined && (name === '' || name === row.name) ? row.name : undefined;
}

/** What an installed backend says of itself. */
export type InstalledBackend = Pick<
  Backend,
  'name' | 'platform' | 'defaultModelFilename' | 'defaultInstanceCount' | 'automaticKind' | 'otherFormats'
>;

/** Triton's backends and the installed ones; what an installed one says of itself wins. */
export function knownBackends(installed: readonly InstalledBackend[]): readonly KnownBackend[] {
  const rows = installed.flatMap(formatsOf);
  const own = TRITON_BACKENDS.map((row) => ({ ...row, ...rows.find((other) => isSameFormat(row, other)) }));
  const further = rows.filter((row) => !TRITON_BACKENDS.some((other) => isSameFormat(row, other)));
  return [...own, ...further];
}

function formatsOf(backend: InstalledBackend): readonly KnownBackend[] {
  const { name, platform, defaultModelFilename, otherFormats = [] } = backend;
  const { defaultInstanceCount, automaticKind } = backend;
  return [{ platform, defaultModelFilename }, ...otherFormats].map((format) => ({
    name,
    ...(format.platform !== undefined && { platform: format.platform }),
    ...(format.defaultModelFilename !== undefined && { defaultModelFilename: format.defaultModelFilename }),
    ...(defaultInstanceCount !== undefined && { defaultInstanceCount }),
    ...(automaticKind !== undefined && { automaticKind }),
  }));
}

/** Formats with a platform are told apart by it, the others by their file. */
function isSameFormat(one: KnownBackend, other: KnownBackend): boolean {
  if (one.name !== other.name || one.platform !== other.platform) return false;
  return one.platform !== undefined || one.defaultModelFilename === other.defaultModelFilename;
}

function backend(
  name: string,
  platform: string,
  defaultModelFilename: string,
  defaultInstanceCount = 1,
): KnownBackend {
  return { name, platform, defaultModelFilename, defaultInstanceCount };
}
