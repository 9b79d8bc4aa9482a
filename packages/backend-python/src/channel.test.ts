import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { duplexPair, type Duplex } from 'node:stream';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Channel, type FrameListener } from './channel.ts';
import { SharedMemoryFiles } from './shared-memory-files.ts';

interface Frame {
  readonly header: unknown;
  readonly tensors: string;
}

function onFault(error: unknown): never {
  assert.fail(String(error));
}

function onGiveBack(loan: number): never {
  assert.fail(`loan ${loan}`);
}

/** A channel whose frames are kept, and the other end of its stream. */
function createChannel(): { frames: Frame[]; other: Duplex } {
  const [own, other] = duplexPair();
  const frames: Frame[] = [];
  const onFrame: FrameListener = (header, tensors) =>
    frames.push({ header, tensors: tensors.toString('hex') });
  new Channel(own, { onFrame, onGiveBack, onFault });
  return { frames, other };
}

/** What a channel writes for some frames. */
async function encode(
  frames: readonly { header: object; tensors: readonly Uint8Array[] }[],
): Promise<Buffer> {
  const [own, other] = duplexPair();
  const channel = new Channel(own, { onFrame: () => undefined, onGiveBack, onFault });
  for (const { header, tensors } of frames) channel.send(header, tensors);
  await new Promise((resolve) => setImmediate(resolve));
  own.end();
  return Buffer.concat(await other.toArray());
}

const anyFrame = fc.record({
  header: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer()), { noNullPrototype: true }),
  tensors: fc.array(fc.uint8Array({ maxLength: 9000 }), { maxLength: 3 }),
});

test('frames come out as they went in, however the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyFrame, { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 7000 }), { minLength: 1, maxLength: 20 }),
      async (sent, cuts) => {
        const bytes = await encode(sent);
        const { frames, other } = createChannel();
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const size = cuts[cut % cuts.length] ?? 1;
          other.write(bytes.subarray(at, at + size));
          at += size;
        }
        other.end();
        await new Promise((resolve) => setImmediate(resolve));
        while (other.writableLength > 0) await new Promise((resolve) => setImmediate(resolve));
        assert.deepEqual(
          frames,
          sent.map(({ header, tensors }) => ({ header, tensors: Buffer.concat(tensors).toString('hex') })),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('writes the lengths of header and tensors in front, and that these follow', async () => {
  const bytes = await encode([{ header: { a: 1 }, tensors: [new Uint8Array([5, 6, 7])] }]);
  assert.equal(bytes.readUInt32LE(0), 7);
  assert.equal(bytes.readBigUInt64LE(4), 3n);
  assert.equal(bytes.readBigInt64LE(12), -1n);
  assert.equal(bytes.toString('utf8', 20, 27), '{"a":1}');
  assert.deepEqual([...bytes.subarray(27)], [5, 6, 7]);
});

test('a frame that is no JSON is told once, and nothing is read after it', async () => {
  const [own, other] = duplexPair();
  const heard: unknown[] = [];
  new Channel(own, {
    onFrame: (header) => heard.push(header),
    onGiveBack,
    onFault: (error) => heard.push(error),
  });
  const good = await encode([{ header: { a: 1 }, tensors: [] }]);
  const text = '{"a":NaN}';
  const bad = Buffer.concat([good.subarray(0, 20), Buffer.from(text)]);
  bad.writeUInt32LE(text.length, 0);
  other.end(Buffer.concat([good, bad, good]));
  await once(own, 'end');
  assert.deepEqual(heard[0], { a: 1 });
  assert.ok(heard[1] instanceof SyntaxError);
  assert.equal(heard.length, 2);
});

test('large tensors go through shared memory, and their place is given back', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-channel-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [inputs, outputs] = [join(folder, 'inputs'), join(folder, 'outputs')];
  writeFileSync(inputs, '');
  writeFileSync(outputs, '');
  const [own, other] = duplexPair();
  const received: Buffer[] = [];
  let bytesOnStream = 0;
  other.on('data', (chunk: Buffer) => (bytesOnStream += chunk.length));
  const sender = new Channel(own, { onFrame: () => undefined, onGiveBack, onFault });
  const receiver = new Channel(other, {
    onFrame: (_, tensors) => received.push(tensors),
    onGiveBack,
    onFault,
  });
  const memory = { allocate: Buffer.alloc, shareMemory: () => undefined };
  sender.share(new SharedMemoryFiles({ inputs, outputs, progress: inputs }, memory));
  receiver.share(new SharedMemoryFiles({ inputs: outputs, outputs: inputs, progress: inputs }, memory));
  t.after(() => [sender, receiver].forEach((channel) => channel.close()));
  const tensor = randomBytes(1 << 20);
  for (let round = 1; round <= 3; round += 1) {
    sender.send({ round }, [tensor.subarray(0, 7), tensor.subarray(7)]);
    while (received.length < round || own.readableLength > 0)
      await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(received.every((bytes) => bytes.equals(tensor)));
  assert.ok(bytesOnStream < 1000, `${bytesOnStream} bytes`);
  assert.equal(statSync(inputs).size, tensor.length);
});

test('a frame without header and place gives a loan back', async () => {
  const [own, other] = duplexPair();
  const givenBack: number[] = [];
  new Channel(own, { onFrame: () => assert.fail(), onGiveBack: (loan) => givenBack.push(loan), onFault });
  const frame = Buffer.alloc(20);
  frame.writeBigUInt64LE(12n, 4);
  frame.writeBigInt64LE(-1n, 12);
  other.end(frame);
  await once(own, 'end');
  assert.deepEqual(givenBack, [12]);
});
