/** A client of a language model that leaves frees its place on the engine; one that reads slowly holds the engine back. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { GrpcClient, InferInput } from '@nereid/client';
import { generate, generateStream } from '../llm/llm-models.ts';
import type { ScriptedEngine } from '../llm/scripted-engine.ts';
import { serveEngine, type ServedEngine } from '../llm/serve-engine.ts';
import type { RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const PROMPT = { text_input: 'p', max_tokens: 100_000 };

describe('a client of a language model that leaves', LIMIT, () => {
  let served: ServedEngine;
  let engine: ScriptedEngine;
  let server: RunningServer;

  before(async () => {
    served = await serveEngine();
    ({ engine, server } = served);
  });

  beforeEach(() => engine.set({ tokensPerSecond: 50 }));

  after(() => served[Symbol.asyncDispose]());

  /** Has a client begin and leave, and waits until the engine has heard of it. */
  const leaveOnce = async (begin: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
    const { aborted } = engine.report();
    const leaving = new AbortController();
    const gone = assert.rejects(begin(leaving.signal));
    await engine.until(({ running }) => running === 1);
    leaving.abort();
    await gone;
    await engine.until((report) => report.aborted === aborted + 1 && report.running === 0);
  };

  test('frees the engine: generate_stream (LLM-09)', () =>
    leaveOnce((signal) => generateStream(server, 'llm', PROMPT, signal)));

  test('frees the engine: generate, whose answer has not begun', () =>
    leaveOnce((signal) => generate(server, 'llm', PROMPT, signal)));

  test('frees the engine: a gRPC stream', async () => {
    const client = new GrpcClient(server.grpc);
    const inputs = [
      InferInput.from('text_input', ['p']),
      InferInput.fromBytes('stream', 'BOOL', [1], Uint8Array.of(1)),
    ];
    const request = { modelName: 'llm', inputs, parameters: { max_tokens: 100_000 } };
    await leaveOnce(async (signal) => {
      for await (const answer of client.inferStream([request], { signal }))
        assert.equal(answer.kind, 'result');
      throw new Error('the stream has ended');
    });
    await client.close();
  });

  test('frees the engine that has not answered at all', async () => {
    await engine.set({ fault: 'silent', faultAfter: 0 });
    await leaveOnce((signal) => generate(server, 'llm', PROMPT, signal));
  });

  test('leaves other requests alone', async () => {
    await engine.set({ tokensPerSecond: 200 });
    const other = generateStream(server, 'llm', { text_input: 'p', max_tokens: 40 });
    await engine.until(({ running }) => running === 1);
    const leaving = new AbortController();
    const gone = assert.rejects(generate(server, 'llm', PROMPT, leaving.signal));
    await engine.until(({ running }) => running === 2);
    leaving.abort();
    await gone;
    assert.equal((await other).length, 40);
  });
});

test('a client that reads slowly holds the engine back', LIMIT, async () => {
  // Far more than the kernel's buffers hold.
  const text = Array.from({ length: 2000 }, () => 'x'.repeat(16_384)).join(' ');
  await using served = await serveEngine({ script: { text } });
  const { engine, server } = served;
  const body = JSON.stringify({ text_input: 'p', stream: true });
  const socket = connect(Number(new URL(server.http).port), '127.0.0.1').on('error', () => undefined);
  socket.write(
    `POST /v2/models/llm/generate_stream HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await engine.until(({ running }) => running === 1);
  // Another client's whole stream has time to pass; this one would be through as well.
  await generateStream(server, 'llm', { text_input: 'p' });
  assert.equal(engine.report().running, 1);
  socket.destroy();
  await engine.until(({ running }) => running === 0);
});
