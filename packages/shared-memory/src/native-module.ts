import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { SharedMemoryError } from './shared-memory-error.ts';

/** Memory of an open object in this thread. */
export interface NativeMapping {
  /** Whole pages. */
  readonly buffer: ArrayBuffer;
  /** Where in `buffer` the mapping begins. */
  readonly lead: number;
  /** Whether all of it still lies in the object. */
  intact(): boolean;
  /** Detaches the buffer and gives the pages back; once. */
  unmap(): void;
}

/** What native/addon.cc exports. Objects are numbers that hold in all threads of the process, which share the pool. */
export interface NativeModule {
  openObject(key: string, writable: boolean): number;
  /** Opens a file of memory, to be read. */
  openFile(path: string): number;
  createObject(key: string, byteSize: number): number;
  closeObject(id: number): void;
  unlinkObject(key: string): void;
  /** Memory of the process, not zeroed, that goes back to a pool when it was collected. It can't be transferred. */
  takeBlock(byteSize: number): ArrayBuffer;
  /** Memory of an open object that is unmapped when the array buffer was collected. */
  mapPiece(id: number, offset: number, byteSize: number): Pick<NativeMapping, 'buffer' | 'lead'>;
  /** Gives a block or a piece back before it is collected: its views have length 0 from here on. */
  detach(buffer: ArrayBuffer): void;
  /** Adds to what V8 counts as memory of this thread beside its heap. */
  countMemory(byteSize: number): void;
  /** From now on new blocks lie in memory files, where the system has such. */
  useFiles(): void;
  /** Descriptor of the memory file that all of a block lies in; -1: there is none. */
  fileOfBlock(buffer: ArrayBuffer): number;
  /** Gives what the pool keeps to the system, except for what was used since the last call. */
  trimBlocks(): void;
  /** Bytes that the pool keeps. */
  keptBlocks(): number;
  /** Bytes that were taken and not collected yet. */
  usedBlocks(): number;
  readonly Mapping: new (id: number, offset: number, byteSize: number) => NativeMapping;
}

/** The folder that holds `prebuilds`: this file lies one below it, as source and as JavaScript. */
const PACKAGE_FOLDER = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param folder - Where `prebuilds` lies.
 * @throws SharedMemoryError ERR_UNSUPPORTED where there is no addon for this machine.
 */
export function loadNativeModule(folder = PACKAGE_FOLDER): NativeModule {
  const require = createRequire(import.meta.url);
  try {
    const load = require('node-gyp-build') as (folder: string) => NativeModule;
    return load(folder);
  } catch (cause) {
    throw new SharedMemoryError('ERR_UNSUPPORTED', remedy(process.platform, process.arch), { cause });
  }
}

function remedy(platform: string, arch: string): string {
  if (platform === 'win32') return 'there is no POSIX shared memory on Windows: use Linux or macOS';
  return (
    `@nereid/shared-memory has no addon for ${platform}-${arch}: install a C++17 compiler (Debian: apt-get install g++) ` +
    'and run scripts/build-native.ts of that package, or take a release that brings one'
  );
}
