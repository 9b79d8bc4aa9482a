import { randomUUID } from 'node:crypto';
import { largeDataUrls } from './large-data-urls.ts';

/** What a data URL begins with, as far as no writer of JSON would write it otherwise. */
const BEGINNING = /^"data:[\w:;,./+-]{0,64}/;
const BEGINNING_BYTES = 80;

/** A data URL that is large, and what stands in its place. */
interface Image {
  /** JSON, quotes included: a view of the body. */
  readonly bytes: Buffer;
  /** JSON, quotes included. */
  readonly standIn: string;
}

/**
 * A body of JSON whose images are set aside: the rest is small and can be made into another body, in which they are put back as
 * bytes. Nobody can write what stands in their place, as it has a random number.
 */
export class ImagesAside {
  /** The body with texts in place of its large data URLs; itself when it has none. */
  readonly rest: Buffer;
  /** Stands before the number of an image; '' without any. */
  #mark = '';
  readonly #images: readonly Image[];

  constructor(body: Buffer) {
    const images: Image[] = [];
    const pieces: Buffer[] = [];
    let from = 0;
    for (const { start, end } of largeDataUrls(body)) {
      this.#mark ||= `${randomUUID()}:`;
      const beginning = BEGINNING.exec(body.toString('latin1', start, start + BEGINNING_BYTES))?.[0] ?? '';
      const standIn = `${beginning}${this.#mark}${images.length}"`;
      images.push({ bytes: body.subarray(start, end), standIn });
      pieces.push(body.subarray(from, start), Buffer.from(standIn));
      from = end;
    }
    this.#images = images;
    this.rest = images.length === 0 ? body : Buffer.concat([...pieces, body.subarray(from)]);
  }

  get isEmpty(): boolean {
    return this.#images.length === 0;
  }

  /** Whether JSON that was made of the rest has the place of an image. */
  isIn(json: string): boolean {
    return !this.isEmpty && json.includes(this.#mark);
  }

  /**
   * Puts the images back.
   *
   * @param json - Made of the rest; images may be missing, come twice or in another order.
   * @returns Its bytes in pieces, with views of the body; undefined when the place of one has become part of a longer text, where
   *   its bytes can't stand.
   */
  putBack(json: string): readonly Buffer[] | undefined {
    if (this.isEmpty) return [Buffer.from(json)];
    const pieces: Buffer[] = [];
    let from = 0;
    for (let at = json.indexOf(this.#mark); at >= 0; at = json.indexOf(this.#mark, from)) {
      const image = this.#images[Number.parseInt(json.slice(at + this.#mark.length), 10)];
      if (image === undefined) return undefined;
      const start = at - image.standIn.indexOf(this.#mark);
      if (!json.startsWith(image.standIn, start) || json[start - 1] === '\\') return undefined;
      pieces.push(Buffer.from(json.slice(from, start)), image.bytes);
      from = start + image.standIn.length;
    }
    return [...pieces, Buffer.from(json.slice(from))];
  }
}
