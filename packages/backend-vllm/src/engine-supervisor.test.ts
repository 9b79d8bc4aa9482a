import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecordingLogger } from '@nereid/backend-sdk/testing';
import type { EngineConnection } from './engine-connection.ts';
import { EngineLog } from './engine-log.ts';
import type { EngineProcess } from './engine-process.ts';
import type { StartedEngine } from './engine-start.ts';
import { EngineSupervisor } from './engine-supervisor.ts';
import { ManualClock } from './testing/manual-clock.ts';

test('a first start that fails is an error, and is not tried again', async () => {
  const run = supervise();
  run.fail('no memory');
  await assert.rejects(run.supervisor.start(), { message: 'no memory' });
  assert.deepEqual(run.events, []);
  await run.supervisor.stop();
});

test('an engine that ends is started again at once', async () => {
  const run = supervise();
  await run.supervisor.start();
  await run.end('was ended by SIGKILL');
  await run.advance(0);
  assert.deepEqual(run.events, ['up 1', 'down 1: the engine was ended by SIGKILL', 'restart', 'up 2']);
});

test('one that goes on failing is started after pauses that double', async () => {
  const run = supervise();
  await run.supervisor.start();
  run.fail('no memory');
  await run.end('ended with status 1');
  const starts: number[] = [];
  for (const ms of [0, 499, 1, 999, 1, 1999, 1]) {
    await run.advance(ms);
    starts.push(run.events.filter((event) => event === 'restart').length);
  }
  assert.deepEqual(starts, [1, 1, 2, 2, 3, 3, 4]);
  assert.equal(run.events.at(-1), 'failed: no memory');
  await run.supervisor.stop();
});

test('a minute of serving makes up for failures', async () => {
  const run = supervise();
  await run.supervisor.start();
  await run.end('ended with status 1');
  await run.advance(0);
  await run.end('ended with status 1');
  await run.advance(499);
  assert.equal(run.events.at(-1), 'down 2: the engine ended with status 1');
  await run.advance(1);
  await run.advance(60_001);
  await run.end('ended with status 1');
  await run.advance(0);
  assert.equal(run.events.at(-1), 'up 4');
});

test('it is given up after as many restarts in a row as are allowed', async () => {
  const run = supervise(2);
  await run.supervisor.start();
  run.fail('no memory');
  await run.end('ended with status 1');
  for (const ms of [0, 500, 60_000]) await run.advance(ms);
  assert.equal(
    run.events.at(-1),
    'failed: it ended 2 times in a row and is not started again, load the model anew',
  );
  assert.equal(run.events.filter((event) => event === 'restart').length, 2);
});

test('one that is stopped is not started again', async () => {
  const run = supervise();
  await run.supervisor.start();
  await run.supervisor.stop();
  await run.advance(60_000);
  assert.deepEqual(run.events, ['up 1', 'down 1: the engine was stopped']);
});

test('nor one that is stopped in a pause', async () => {
  const run = supervise();
  await run.supervisor.start();
  run.fail('no memory');
  await run.end('ended with status 1');
  await run.advance(0);
  await run.supervisor.stop();
  assert.equal(run.clock.pending, 0);
});

test('a start that is stopped ends the engine that came of it', async () => {
  const run = supervise();
  const starting = run.supervisor.start();
  const stopping = run.supervisor.stop();
  await assert.rejects(starting, { message: 'the engine is no longer wanted' });
  await stopping;
  assert.deepEqual(run.events, []);
});

interface Run {
  readonly supervisor: EngineSupervisor;
  readonly clock: ManualClock;
  readonly events: readonly string[];
  /** Starts fail from now on. */
  fail(message: string): void;
  /** The engine that runs ends. */
  end(how: string): Promise<void>;
  advance(ms: number): Promise<void>;
}

function supervise(maxRestarts = 0): Run {
  const clock = new ManualClock();
  const events: string[] = [];
  let failure: string | undefined;
  let count = 0;
  let endRunning: (how: string) => void = () => undefined;
  const start = (): Promise<StartedEngine> => {
    if (failure !== undefined) return Promise.reject(new Error(failure));
    count += 1;
    const ended = Promise.withResolvers<string>();
    endRunning = ended.resolve;
    return Promise.resolve(fakeEngine(String(count), ended));
  };
  const supervisor = new EngineSupervisor({
    clock,
    maxRestarts,
    start,
    onUp: ({ modelName }) => void events.push(`up ${modelName}`),
    onDown: ({ modelName }, why) => void events.push(`down ${modelName}: ${why}`),
    onRestart: () => void events.push('restart'),
    onFailure: (message) => void events.push(`failed: ${message}`),
  });
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    supervisor,
    clock,
    events,
    fail: (message) => {
      failure = message;
    },
    end: async (how) => {
      endRunning(how);
      await settle();
    },
    advance: async (ms) => {
      clock.advance(ms);
      await settle();
    },
  };
}

/** An engine that runs until it is told how it ends. */
function fakeEngine(name: string, ended: PromiseWithResolvers<string>): StartedEngine {
  const stop = async (): Promise<void> => {
    ended.resolve('was stopped');
    await ended.promise;
  };
  return {
    process: { ended: ended.promise, stop } as EngineProcess,
    connection: { modelName: name, close: () => undefined } as EngineConnection,
    log: new EngineLog(createRecordingLogger([]), 'llama'),
  };
}
