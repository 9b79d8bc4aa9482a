/** Reading `text/event-stream`, as `generate_stream` and streamed inferences answer. */
import { StringDecoder } from 'node:string_decoder';

/**
 * Takes a body apart into the data of its events. Comments and fields other than `data` are passed over; lines end
 * with LF, CR LF, or CR.
 */
export class EventStreamParser {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #data: string[] = [];

  /**
   * Takes the next piece of the body, wherever it was cut.
   *
   * @returns The data of the events that it completes.
   */
  push(piece: Uint8Array): readonly string[] {
    this.#rest += this.#decoder.write(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
    // A CR at the end may be the first half of a CR LF: it waits for what follows.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): readonly string[] {
    if (line === '') {
      const data = this.#data;
      this.#data = [];
      return data.length === 0 ? [] : [data.join('\n')];
    }
    if (line === 'data') this.#data.push('');
    else if (line.startsWith('data:')) this.#data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
    return [];
  }
}
