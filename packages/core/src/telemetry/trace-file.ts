import { open, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import type { Logger } from '@nereid/backend-sdk';

/** One trace as JSON records without the brackets of the array. */
export type TraceText = string;

/** End of a file. */
const CLOSING = ']\n';

/** Characters that may wait for a disk that is too slow; what comes then is dropped, and the log tells. */
const MOST_PENDING = 64 << 20;

/**
 * Writes traces to files, one after another and off the serving path. Each file is a complete JSON array at
 * any time: the one file that grows has its closing bracket overwritten, a numbered one gets its name when it is whole.
 */
export class TraceFile {
  readonly path: string;
  readonly #logger: Logger;
  #index = 0;
  #handle: FileHandle | undefined;
  /** Where the closing bracket of the growing file stands. */
  #end = 0;
  #writing: Promise<void> = Promise.resolve();
  #pending = 0;
  #dropped = 0;

  constructor(path: string, logger: Logger) {
    this.path = path;
    this.#logger = logger;
  }

  /** Writes traces to the next of the numbered files: `<path>.0`, `<path>.1` … */
  writeNumbered(traces: readonly TraceText[]): void {
    this.#enqueue(traces, (text) => this.#writeNumbered(text));
  }

  /** Adds traces to the file itself, which is begun anew by the first call. */
  append(traces: readonly TraceText[]): void {
    this.#enqueue(traces, (text) => this.#append(text));
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#handle?.close();
    this.#handle = undefined;
    this.#tellDropped();
  }

  async #writeNumbered(text: string): Promise<void> {
    const path = `${this.path}.${this.#index++}`;
    try {
      await writeFile(`${path}.tmp`, `[${text}]\n`);
      await rename(`${path}.tmp`, path);
    } catch (error) {
      await rm(`${path}.tmp`, { force: true });
      throw error;
    }
  }

  async #append(text: string): Promise<void> {
    const handle = (this.#handle ??= await open(this.path, 'w'));
    const bytes = Buffer.from(`${this.#end === 0 ? '[' : ',\n'}${text}${CLOSING}`);
    try {
      await writeAll(handle, bytes, this.#end);
    } catch (error) {
      // Where that fails, too, the first reason tells more.
      await this.#takeBack(handle).catch(() => undefined);
      throw error;
    }
    this.#end += bytes.length - CLOSING.length;
  }

  /** A disk that is full has taken a part: the file is to be what it was, and there is room for that. */
  async #takeBack(handle: FileHandle): Promise<void> {
    await handle.truncate(this.#end);
    if (this.#end > 0) await writeAll(handle, Buffer.from(CLOSING), this.#end);
  }

  #enqueue(traces: readonly TraceText[], write: (text: string) => Promise<void>): void {
    if (this.#pending > MOST_PENDING) {
      this.#dropped += traces.length;
      return;
    }
    const text = traces.join(',\n');
    this.#pending += text.length;
    this.#writing = this.#writing
      .then(() => write(text))
      .catch((cause: unknown) => {
        this.#logger.error(`failed to write ${traces.length} traces to '${this.path}': they are lost`, {
          cause,
        });
      })
      .then(() => {
        this.#pending -= text.length;
        if (this.#pending === 0) this.#tellDropped();
      });
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    this.#logger.warning(
      `${this.#dropped} traces were dropped: '${this.path}' is written more slowly than traces are taken. Raise the trace rate or trace fewer models`,
    );
    this.#dropped = 0;
  }
}

/** One write may take only a part. */
async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
