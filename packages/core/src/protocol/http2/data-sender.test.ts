import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { DataSender } from './data-sender.ts';
import { FrameWriter } from './frame-writer.ts';
import { Http2Stream } from './http2-stream.ts';

/** Streams with that window, of which each has a byte to send. */
function start(
  count: number,
  window: number,
): { readonly sender: DataSender; readonly streams: CountedStream[] } {
  const socket = new Duplex({ read: () => undefined, write: (_piece, _encoding, done) => done() });
  const sender = new DataSender(new FrameWriter(socket as Socket));
  const owner = {
    sendHeaders: () => undefined,
    sendReset: () => undefined,
    giveCredit: () => undefined,
    send: (stream: Http2Stream, byteSize: number) => sender.send(stream, byteSize),
    forget: (stream: Http2Stream, byteSize: number) => sender.forget(stream, byteSize),
  };
  const streams = Array.from(
    { length: count },
    (_, index) => new CountedStream(2 * index + 1, { send: window, receive: 0 }, owner),
  );
  for (const stream of streams) stream.write(Buffer.alloc(1));
  return { sender, streams };
}

/** Counts how often it is looked at. */
class CountedStream extends Http2Stream {
  looks = 0;

  override get hasPending(): boolean {
    this.looks += 1;
    return super.hasPending;
  }
}

test('streams that wait for their own windows are not looked at when the connection may go on', () => {
  const { sender, streams } = start(100, 0);
  for (const stream of streams) stream.looks = 0;
  for (let count = 0; count < 100; count += 1) {
    sender.grow(1);
    sender.resumeAll();
  }
  assert.equal(
    streams.reduce((sum, { looks }) => sum + looks, 0),
    0,
  );
});

test('streams that wait for the connection go on in turn, as far as its window lasts', () => {
  const { sender, streams } = start(10, 1000);
  const [first] = streams;
  assert.ok(first !== undefined);
  // All of the window that every connection begins with.
  first.sendWindow = 1e6;
  first.write(Buffer.alloc(70_000));
  for (const stream of streams) stream.write(Buffer.alloc(1));
  const waiting = sender.pendingByteSize;
  sender.grow(1000);
  sender.resumeAll();
  assert.equal(sender.pendingByteSize, waiting - 1000);
  sender.grow(1e6);
  sender.resumeAll();
  assert.equal(sender.pendingByteSize, 0);
});

test('what a stream does not send any more waits no more', () => {
  const { sender, streams } = start(3, 0);
  assert.equal(sender.pendingByteSize, 3);
  streams[1]?.lose();
  assert.equal(sender.pendingByteSize, 2);
});
