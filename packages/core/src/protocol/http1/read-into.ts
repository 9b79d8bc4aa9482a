/**
 * Reads of a socket straight into memory of ours. Without it Node allocates 64 KiB for each read, which somebody then copies
 * to where the bytes belong. Hot path.
 *
 * `net.Socket` can do this, but only for connections that it opens itself (its option `onread`). What a server accepts is
 * given the same fields afterwards; a Node that has no such fields reads as usual.
 */
import { Socket } from 'node:net';

/** What a socket reads into. */
export interface ReadSink {
  /** Memory for the next read, at least one byte of it. It is asked for after each read. */
  memory(): Uint8Array;
  /**
   * So many bytes were read into what `memory()` gave last.
   *
   * @param memory - The very same object.
   */
  onRead(byteLength: number, memory: Uint8Array): void;
}

/** From then on the socket gives what it reads as `data` again. */
export type StopReading = () => void;

/** @returns undefined where it can't be done: the bytes come as `data`. */
export type ReadInto = (socket: Socket, sink: ReadSink) => StopReading | undefined;

type ReadCallback = (byteLength: number, memory: Uint8Array) => boolean;

/** Names of a socket's fields. */
interface Fields {
  readonly memory: symbol;
  readonly nextMemory: symbol;
  readonly callback: symbol;
}

/** What a socket has of it in Node. */
interface Internals {
  readonly _handle?: { readonly useUserBuffer?: (memory: Uint8Array) => void } | null;
  [field: symbol]: unknown;
}

/** Of connections that were handed on. Nothing stays in it: whoever is given bytes of it copies them at once. */
const PASSING = Buffer.allocUnsafeSlow(65_536);

/** Windows writes into the memory of a read that has not come yet: there each socket would need memory of its own. */
const FIELDS = process.platform === 'win32' ? undefined : findFields();

/** Whose bytes came last. It must not be kept for this: it may have a large body. */
let lastReader: WeakRef<Internals> | undefined;

export function readInto(socket: Socket, sink: ReadSink): StopReading | undefined {
  const internals = socket as unknown as Internals;
  const handle = internals._handle;
  if (FIELDS === undefined || typeof handle?.useUserBuffer !== 'function') return undefined;
  const { memory, nextMemory, callback } = FIELDS;
  const first = sink.memory();
  // The system knows the address of the memory alone: the field keeps it from being collected.
  internals[memory] = first;
  internals[nextMemory] = () => sink.memory();
  internals[callback] = toCallback(internals, sink);
  handle.useUserBuffer(first);
  watchErrors();
  return () => {
    internals[nextMemory] = () => PASSING;
    const push = (byteLength: number, bytes: Uint8Array): boolean =>
      socket.push(Buffer.from(bytes.subarray(0, byteLength)));
    internals[callback] = toCallback(internals, { onRead: push });
  };
}

/** @param sink - `onRead` may answer false: no more for now. */
function toCallback(
  internals: Internals,
  sink: { onRead(byteLength: number, memory: Uint8Array): unknown },
): ReadCallback {
  const reader = new WeakRef(internals);
  return (byteLength, memory) => {
    lastReader = reader;
    try {
      return sink.onRead(byteLength, memory) !== false;
    } catch (error) {
      // The next memory must be asked for all the same.
      process.nextTick(() => {
        throw error;
      });
      return true;
    }
  };
}

let watchErrors = (): void => {
  watchErrors = () => undefined;
  process.on('uncaughtExceptionMonitor', tellMemoryAgain);
};

/**
 * Whatever throws in the same tick as a read, be it elsewhere, keeps Node from hearing of the next memory: where the process
 * survives that, the next bytes would be written over those that were read.
 */
function tellMemoryAgain(): void {
  const reader = lastReader?.deref();
  const memory = FIELDS && reader?.[FIELDS.memory];
  if (memory instanceof Uint8Array) reader?._handle?.useUserBuffer?.(memory);
}

/** Looks where a socket keeps what the option `onread` gave it. */
function findFields(): Fields | undefined {
  const bytes = new Uint8Array(1);
  const giveBytes = (): Uint8Array => bytes;
  const callback = (): boolean => true;
  const memory = findField(new Socket({ onread: { buffer: bytes, callback } }), bytes);
  const nextMemory = findField(new Socket({ onread: { buffer: giveBytes, callback } }), giveBytes);
  const called = findField(new Socket({ onread: { buffer: bytes, callback } }), callback);
  if (memory === undefined || nextMemory === undefined || called === undefined) return undefined;
  return { memory, nextMemory, callback: called };
}

function findField(socket: Socket, value: unknown): symbol | undefined {
  const internals = socket as unknown as Internals;
  return Object.getOwnPropertySymbols(socket).find((symbol) => internals[symbol] === value);
}
