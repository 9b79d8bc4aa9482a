import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader, type FrameHandler } from './frame-reader.ts';
import { FLAG, FRAME, HTTP2_ERROR, PREFACE, writeHead } from './frames.ts';

/** A frame as the tests write it. */
interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

function bytesOf({ type, flags, streamId, payload }: Frame): Buffer {
  const head = Buffer.alloc(9);
  writeHead(head, 0, { byteSize: payload.length, type, flags, streamId });
  return Buffer.concat([head, payload]);
}

/** What a reader hands on, data put together by frame. */
function readAll(chunks: readonly Buffer[]): unknown[] {
  const seen: unknown[] = [];
  let data: Buffer[] = [];
  let head: readonly number[] = [];
  const handler: FrameHandler = {
    onDataHead: (...values) => {
      head = values;
      data = [];
    },
    onDataPiece: (piece) => data.push(Buffer.from(piece)),
    onDataEnd: (ends) => seen.push(['data', ...head, ends, Buffer.concat(data).toString('hex')]),
    onFrame: ({ type, flags, streamId }, payload) =>
      seen.push([type, flags, streamId, payload.toString('hex')]),
  };
  const reader = new FrameReader(handler);
  for (const chunk of chunks) reader.push(chunk);
  return seen;
}

const frames: fc.Arbitrary<Frame> = fc
  .record({
    type: fc.constantFrom(FRAME.DATA, FRAME.DATA, FRAME.HEADERS, FRAME.PING, 77),
    flags: fc.constantFrom(0, 1, 4),
    streamId: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    payload: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    padding: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
  })
  .map(({ padding, payload, type, flags, streamId }) =>
    type === FRAME.DATA && padding !== undefined
      ? {
          type,
          flags: flags | FLAG.PADDED,
          streamId,
          payload: Buffer.concat([Buffer.from([padding]), payload, Buffer.alloc(padding)]),
        }
      : { type, flags, streamId, payload },
  );

function expected({ type, flags, streamId, payload }: Frame): unknown {
  if (type !== FRAME.DATA) return [type, flags, streamId, payload.toString('hex')];
  const isPadded = (flags & FLAG.PADDED) !== 0;
  const content = isPadded ? payload.subarray(1, payload.length - (payload[0] ?? 0)) : payload;
  return ['data', streamId, payload.length, (flags & FLAG.END_STREAM) !== 0, content.toString('hex')];
}

test('frames are the same however they are cut', () => {
  fc.assert(
    fc.property(
      fc.array(frames, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (list, sizes) => {
        const bytes = Buffer.concat([PREFACE, ...list.map(bytesOf)]);
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        assert.deepEqual(readAll(chunks), list.map(expected));
        assert.deepEqual(readAll([bytes]), list.map(expected));
      },
    ),
  );
});

test('what is no HTTP/2 is refused', () => {
  const frame = (type: number, flags: number, payload: Buffer): Buffer =>
    bytesOf({ type, flags, streamId: 1, payload });
  assert.throws(() => readAll([Buffer.from('GET / HTTP/1.1\r\n')]), { code: HTTP2_ERROR.PROTOCOL_ERROR });
  const cases = [
    [frame(FRAME.HEADERS, 0, Buffer.alloc(16_385)), HTTP2_ERROR.FRAME_SIZE_ERROR],
    [frame(FRAME.DATA, FLAG.PADDED, Buffer.from([5, 0, 0])), HTTP2_ERROR.PROTOCOL_ERROR],
    [frame(FRAME.DATA, FLAG.PADDED, Buffer.alloc(0)), HTTP2_ERROR.PROTOCOL_ERROR],
  ] as const;
  for (const [bytes, code] of cases) assert.throws(() => readAll([PREFACE, bytes]), { code });
});
