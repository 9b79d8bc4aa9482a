import { readdirSync } from 'node:fs';

/** Where Linux, and what gives a container its GPUs, shows the ones that may be used. */
const DEVICES = '/dev';
const NVIDIA_GPU = /^nvidia\d+$/;

/**
 * The numbers that CUDA gives the GPUs of this server: from 0 on, of those that `CUDA_VISIBLE_DEVICES` leaves, in its
 * order. Only NVIDIA's on Linux are found. No library is loaded for it: the models' processes bring their own.
 *
 * @param visible - `CUDA_VISIBLE_DEVICES`: numbers or UUIDs; as with CUDA, what follows a number that there is not does
 *   not count. Undefined: all.
 */
export function listGpus(visible: string | undefined, devices = DEVICES): readonly number[] {
  const count = countDevices(devices);
  if (visible === undefined) return numbersBelow(count);
  const names = visible.split(',').map((name) => name.trim());
  const end = names.findIndex((name) => !isDevice(name, count));
  return numbersBelow(Math.min(count, end === -1 ? names.length : end));
}

function countDevices(folder: string): number {
  try {
    return readdirSync(folder).filter((name) => NVIDIA_GPU.test(name)).length;
  } catch {
    // Windows has no such folder.
    return 0;
  }
}

/** UUIDs (`GPU-…`, `MIG-…`) are taken at their word: only the driver knows them. */
function isDevice(name: string, count: number): boolean {
  return /^\d+$/.test(name) ? Number(name) < count : /^(?:GPU|MIG)-/.test(name);
}

function numbersBelow(count: number): readonly number[] {
  return Array.from({ length: count }, (_, number) => number);
}
