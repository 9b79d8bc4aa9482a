/** Recordings in WAV files: 16 bits a sample, one channel, 16 kHz. */
import { readFileSync } from 'node:fs';

/** Samples in a second. */
export const SAMPLE_RATE = 16_000;

/** Bytes of `RIFF`, a size and `WAVE`, which come before the chunks. */
const HEADER_SIZE = 12;
const PCM = 1;

/**
 * Reads a recording: samples from -1 to 1.
 *
 * @throws Error when the file is no WAV file, or has another format.
 */
export function readRecording(file: string): Float32Array {
  const bytes = readFileSync(file);
  const format = chunkOf(bytes, 'fmt ');
  const [kind, channels, rate, bits] = [0, 2, 4, 14].map((at) =>
    at === 4 ? format.readUInt32LE(at) : format.readUInt16LE(at),
  );
  if (kind !== PCM || channels !== 1 || rate !== SAMPLE_RATE || bits !== 16) {
    throw new Error(
      `${file}: expected 16 bits of one channel at ${SAMPLE_RATE} Hz, found ${bits} of ${channels} at ${rate}`,
    );
  }
  const data = chunkOf(bytes, 'data');
  return Float32Array.from({ length: data.length / 2 }, (_, at) => data.readInt16LE(2 * at) / 0x8000);
}

/** What a chunk holds. */
function chunkOf(bytes: Buffer, name: string): Buffer {
  for (let at = HEADER_SIZE; at + 8 <= bytes.length;) {
    const size = bytes.readUInt32LE(at + 4);
    if (bytes.toString('latin1', at, at + 4) === name) return bytes.subarray(at + 8, at + 8 + size);
    // Chunks begin at even places.
    at += 8 + size + (size % 2);
  }
  throw new Error(`no chunk '${name}' in a WAV file`);
}
