/** What goes wrong at an engine reaches the client as an error that says so, and nobody else. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ServiceError } from '@grpc/grpc-js';
import { GrpcClient, InferInput } from '@nereid/client';
import { eventsOf, generate, generateStream, llmModel } from '../llm/llm-models.ts';
import { startScriptedEngine, type EngineScript, type ScriptedEngine } from '../llm/scripted-engine.ts';
import { serveEngine, type ServedEngine } from '../llm/serve-engine.ts';
import { collect } from '../server/collect.ts';
import { makeRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const STREAM = { text_input: 'p', max_tokens: 4 };
const WHOLE = { text_input: 'p', max_tokens: 4 };

describe('an engine that fails', LIMIT, () => {
  let served: ServedEngine;
  let engine: ScriptedEngine;
  let server: RunningServer;

  before(async () => {
    served = await serveEngine();
    ({ engine, server } = served);
  });

  beforeEach(() => engine.set({}));

  after(() => served[Symbol.asyncDispose]());

  const stream = (): Promise<Record<string, unknown>[]> => generateStream(server, 'llm', STREAM);

  for (const [script, message] of [
    [{ fault: 'cut-mid-token' }, /broke off the connection/],
    [{ fault: 'cut-mid-event' }, /broke off the connection/],
    [{ fault: 'bad-json' }, /expected a completion as JSON from the engine, found '\{"choices": \['/],
  ] as const satisfies [EngineScript, RegExp][]) {
    test(`mid-stream with ${script.fault}: two tokens, then the error, then another request is served`, async () => {
      await engine.set(script);
      const events = await stream();
      assert.deepEqual(
        events.slice(0, 2).map(({ text_output: text }) => text),
        ['word_0 ', 'word_1 '],
      );
      assert.equal(events.length, 3);
      assert.match(String(events[2]?.['error']), message);
      await engine.set({});
      assert.equal((await stream()).length, 4);
    });
  }

  for (const [script, status, message] of [
    [{ fault: 'status-500' }, 400, /^Error generating stream: the engine is broken$/],
    [{ fault: 'bad-json' }, 400, /expected a completion as JSON/],
    [{ fault: 'cut-mid-token' }, 400, /broke off the connection/],
    [{ fault: 'status-429' }, 429, /too many requests/],
  ] as const satisfies [EngineScript, number, RegExp][]) {
    test(`before the answer with ${script.fault}: HTTP ${status}`, async () => {
      await engine.set(script);
      const answer = await generate(server, 'llm', WHOLE);
      const { error } = JSON.parse(answer.text) as { error: string };
      assert.equal(answer.status, status);
      assert.match(error, message);
    });
  }

  test('too many requests: the engine says when to come again', async () => {
    await engine.set({ fault: 'status-429' });
    const answer = await generate(server, 'llm', WHOLE);
    assert.equal(answer.headers.get('retry-after'), '1');
  });

  test('too many requests: over gRPC that is UNAVAILABLE, with the time as a trailer', async () => {
    await engine.set({ fault: 'status-429' });
    const client = new GrpcClient(server.grpc);
    const request = { modelName: 'llm', inputs: [InferInput.from('text_input', ['p'])] };
    // An error of a stream has a status only for clients that ask for it.
    const answers = client.inferStream([request], { headers: { triton_grpc_error: 'true' } });
    await assert.rejects(collect(answers), ({ code, cause }: Error & { code: string }) => {
      const { metadata } = cause as ServiceError;
      assert.deepEqual([code, metadata.get('retry-after')], ['UNAVAILABLE', ['1']]);
      return true;
    });
    await client.close();
  });

  test('a stream without [DONE] that had its last token is whole', async () => {
    await engine.set({ fault: 'no-done' });
    const events = await stream();
    assert.deepEqual([events.length, events.at(-1)?.['error']], [4, undefined]);
  });

  test('killed mid-token: the error comes in the stream', async () => {
    await engine.set({ fault: 'silent', faultAfter: 2 });
    const body = JSON.stringify({ ...STREAM, stream: true });
    const answer = await fetch(`${server.http}/v2/models/llm/generate_stream`, { method: 'POST', body });
    await engine.kill();
    const events = eventsOf(await answer.text());
    assert.match(String(events.at(-1)?.['error']), /broke off the connection/);
  });
});

describe('an engine that fails before its first token, beside one that does not', LIMIT, () => {
  for (const script of [
    { fault: 'status-429' },
    { fault: 'refuse-connections' },
  ] as const satisfies EngineScript[]) {
    test(`${script.fault}: the client gets the other's answer`, async () => {
      await using broken = await startScriptedEngine({});
      await using sound = await startScriptedEngine();
      await using repository = makeRepository();
      repository.write('llm', llmModel({ engine_url: `${broken.url},${sound.url}` }));
      await using server = await startServer(repository.path);
      await broken.set(script);
      const answers = await Promise.all(
        Array.from({ length: 4 }, async () => (await generate(server, 'llm', WHOLE)).status),
      );
      assert.deepEqual(answers, [200, 200, 200, 200]);
      assert.equal(sound.report().seen, 4);
    });
  }
});
