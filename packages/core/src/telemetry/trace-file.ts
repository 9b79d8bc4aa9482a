import { open, writeFile, type FileHandle } from 'node:fs/promises';
import type { Logger } from '@nereid/backend-sdk';

/** One trace as JSON records without the brackets of the array. */
export type TraceText = string;

/**
 * Writes traces to files, one after another and off the serving path. Each file is a complete JSON array at
 * any time: the one file that grows has its closing bracket overwritten.
 */
export class TraceFile {
  readonly path: string;
  readonly #logger: Logger;
  #index = 0;
  #handle: FileHandle | undefined;
  /** Where the closing bracket of the growing file stands. */
  #end = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, logger: Logger) {
    this.path = path;
    this.#logger = logger;
  }

  /** Writes traces to the next of the numbered files: `<path>.0`, `<path>.1` … */
  writeNumbered(traces: readonly TraceText[]): void {
    const path = `${this.path}.${this.#index++}`;
    this.#enqueue(path, () => writeFile(path, `[${traces.join(',\n')}]\n`));
  }

  /** Adds traces to the file itself, which is begun anew by the first call. */
  append(traces: readonly TraceText[]): void {
    this.#enqueue(this.path, () => this.#append(traces.join(',\n')));
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #append(text: string): Promise<void> {
    this.#handle ??= await open(this.path, 'w');
    const bytes = Buffer.from(`${this.#end === 0 ? '[' : ',\n'}${text}]\n`);
    await this.#handle.write(bytes, 0, bytes.length, this.#end);
    this.#end += bytes.length - ']\n'.length;
  }

  #enqueue(path: string, write: () => Promise<void>): void {
    this.#writing = this.#writing.then(write).catch((cause: unknown) => {
      this.#logger.error(`failed to write trace file '${path}'`, { cause });
    });
  }
}
