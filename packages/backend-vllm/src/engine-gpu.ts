/**
 * What an engine's `CUDA_VISIBLE_DEVICES` says, so that it has the GPU of its instance and no other.
 *
 * @param deviceId - The instance's GPU, by its place among those of the server.
 * @param visible - The server's own `CUDA_VISIBLE_DEVICES`; undefined: it has all.
 */
export function visibleGpu(deviceId: number, visible: string | undefined): string {
  return visible?.split(',')[deviceId]?.trim() ?? String(deviceId);
}
