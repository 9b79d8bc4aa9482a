import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { FrameWriter } from './frame-writer.ts';
import { FLAG, FRAME } from './frames.ts';

const PING = { type: FRAME.PING, flags: FLAG.ACK, streamId: 0 };

describe('what waits for others to leave with', () => {
  /** Types of the frames of each write. Those here have a payload of one byte. */
  let writes: number[][] = [];
  let writer: FrameWriter;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setImmediate', 'setTimeout'] });
    writes = [];
    const socket = new Writable({
      write(chunk: Buffer, _encoding, done) {
        writes.push(Array.from({ length: chunk.length / 10 }, (_, frame) => chunk[frame * 10 + 3] ?? -1));
        done();
      },
    });
    writer = new FrameWriter(socket);
  });

  afterEach(() => mock.timers.reset());

  test('leaves with the next frame, in one write and in its order', () => {
    writer.writeAlong(PING, Buffer.alloc(1));
    mock.timers.tick(1);
    assert.deepEqual(writes, []);
    writer.writeData(1, Buffer.alloc(1), FLAG.END_STREAM);
    mock.timers.tick(0);
    assert.deepEqual(writes, [[FRAME.PING, FRAME.DATA]]);
  });

  test('leaves alone when nothing comes for 5 ms, and then the next one waits anew', () => {
    for (const round of [1, 2]) {
      writer.writeAlong(PING, Buffer.alloc(1));
      mock.timers.tick(4);
      assert.equal(writes.length, round - 1);
      mock.timers.tick(1);
      assert.deepEqual(writes.at(-1), [FRAME.PING]);
    }
  });

  test('makes no other frame wait', () => {
    writer.write({ type: FRAME.WINDOW_UPDATE, flags: FLAG.NONE, streamId: 0 }, Buffer.alloc(1));
    writer.writeAlong(PING, Buffer.alloc(1));
    mock.timers.tick(0);
    assert.deepEqual(writes, [[FRAME.WINDOW_UPDATE, FRAME.PING]]);
    mock.timers.tick(5);
    assert.equal(writes.length, 1);
  });
});
