/** `node:zlib`, loaded by the first body that is compressed: it is 3 ms of a start. */
import type * as Zlib from 'node:zlib';

let loaded: typeof Zlib | undefined;

export function zlib(): typeof Zlib {
  return (loaded ??= process.getBuiltinModule('node:zlib'));
}
