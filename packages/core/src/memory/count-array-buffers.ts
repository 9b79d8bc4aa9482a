/** The first V8 that is known to have the flag; others would complain on the console. */
const SINCE_V8 = 14;
const FLAG = '--external-memory-accounted-in-global-limit';

/**
 * Lets V8 collect garbage when the whole heap, array buffers included, has grown in proportion. By itself it collects
 * all of it whenever array buffers have grown by 64 MB, which tensors of 16 MiB do every other request: that took two
 * thirds of the time they need.
 */
export function countArrayBuffers(): void {
  if (Number.parseInt(process.versions.v8, 10) < SINCE_V8) return;
  // Not imported: that would be 5 ms of a start.
  process.getBuiltinModule('node:v8').setFlagsFromString(FLAG);
}
