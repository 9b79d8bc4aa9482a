import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineHealth, PassiveHealth, type ProbeResult } from './engine-health.ts';
import { ManualClock } from './testing/manual-clock.ts';

test('an engine that was found is asked at its interval', async () => {
  const health = watch({ isUp: false });
  await health.settle();
  assert.deepEqual(health.events, ['up']);
  await health.advance(5000);
  await health.advance(5000);
  assert.equal(health.probes, 3);
  assert.deepEqual(health.events, ['up']);
});

test('one that does not answer is asked once more before it is down', async () => {
  const health = watch({ isUp: true });
  health.answer = 'bad';
  await health.advance(5000);
  assert.deepEqual(health.events, []);
  await health.advance(1000);
  assert.deepEqual(health.events, ['down: it does not answer for its health']);
});

test('one miss is forgotten', async () => {
  const health = watch({ isUp: true });
  for (const answer of ['bad', 'ok', 'bad', 'ok'] as const) {
    health.answer = answer;
    await health.advance(answer === 'bad' ? 5000 : 1000);
  }
  assert.deepEqual(health.events, []);
});

test('one that refuses connections is down at once, and asked after pauses that double', async () => {
  const health = watch({ isUp: true });
  health.answer = 'refused';
  health.failed();
  await health.settle();
  assert.deepEqual(health.events, ['down: it refuses connections']);
  const probes: number[] = [];
  for (const ms of [499, 1, 999, 1, 1999, 1]) {
    await health.advance(ms);
    probes.push(health.probes);
  }
  assert.deepEqual(probes, [1, 2, 2, 3, 3, 4]);
  health.answer = 'ok';
  await health.advance(4000);
  assert.equal(health.events.at(-1), 'up');
});

test('the pauses of one that is down end at ten seconds', async () => {
  const health = watch({ isUp: false });
  health.answer = 'refused';
  await health.settle();
  for (let step = 0; step < 20; step++) await health.advance(10_000);
  const before = health.probes;
  await health.advance(10_000);
  assert.equal(health.probes, before + 1);
});

test('one that sends is not asked', async () => {
  const health = watch({ isUp: true });
  health.answer = 'bad';
  health.dataAgeMs = 100;
  await health.advance(5000);
  assert.equal(health.probes, 0);
  health.dataAgeMs = 6000;
  await health.advance(5000);
  assert.equal(health.probes, 1);
});

test('one that stays down is given up after a while', async () => {
  const health = watch({ isUp: true });
  health.answer = 'refused';
  health.failed();
  await health.settle();
  await health.advance(59_999);
  assert.deepEqual(health.events, ['down: it refuses connections']);
  await health.advance(1);
  assert.deepEqual(health.events.slice(1), ['given up: it refuses connections, for 60 s']);
});

test('one that comes back is not given up', async () => {
  const health = watch({ isUp: true });
  health.answer = 'refused';
  health.failed();
  await health.settle();
  health.answer = 'ok';
  await health.advance(500);
  health.answer = 'bad';
  await health.advance(60_000);
  assert.deepEqual(health.events, ['down: it refuses connections', 'up']);
});

test('one that ends while it is down is not given up', async () => {
  const health = watch({ isUp: true });
  health.answer = 'refused';
  health.failed();
  await health.settle();
  health.close();
  await health.advance(60_000);
  assert.deepEqual(health.events, ['down: it refuses connections']);
});

test('after the end nothing is asked or told', async () => {
  const health = watch({ isUp: true });
  health.failed();
  health.close();
  await health.settle();
  await health.advance(60_000);
  assert.equal(health.probes, 1);
  assert.equal(health.clock.pending, 0);
  assert.deepEqual(health.events, []);
});

test('an engine without health gets nothing for a while after a failure, longer each time', () => {
  const clock = new ManualClock();
  const events: string[] = [];
  const health = new PassiveHealth({
    clock,
    onUp: () => void events.push('up'),
    onDown: (why) => void events.push(why),
  });
  health.failed();
  health.failed();
  clock.advance(500);
  assert.deepEqual(events, ['up', 'a request to it failed', 'up']);
  health.failed();
  clock.advance(999);
  assert.equal(events.length, 4);
  clock.advance(1);
  assert.equal(events.length, 5);
  health.succeeded();
  health.failed();
  clock.advance(500);
  assert.equal(events.length, 7);
});

interface Watched {
  readonly clock: ManualClock;
  readonly events: readonly string[];
  readonly probes: number;
  answer: ProbeResult;
  dataAgeMs: number;
  failed(): void;
  close(): void;
  /** Lets answers that are there be heard. */
  settle(): Promise<void>;
  advance(ms: number): Promise<void>;
}

function watch({ isUp }: { readonly isUp: boolean }): Watched {
  const clock = new ManualClock();
  const events: string[] = [];
  const state = { answer: 'ok' as ProbeResult, dataAgeMs: Infinity, probes: 0 };
  const health = new EngineHealth(
    {
      clock,
      intervalMs: 5000,
      probe: () => {
        state.probes += 1;
        return Promise.resolve(state.answer);
      },
      dataAgeMs: () => state.dataAgeMs,
      onUp: () => void events.push('up'),
      onDown: (why) => void events.push(`down: ${why}`),
      giveUp: { afterMs: 60_000, onGivenUp: (why) => void events.push(`given up: ${why}`) },
    },
    isUp,
  );
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    clock,
    events,
    get probes() {
      return state.probes;
    },
    set answer(answer: ProbeResult) {
      state.answer = answer;
    },
    set dataAgeMs(ms: number) {
      state.dataAgeMs = ms;
    },
    failed: () => health.failed(),
    close: () => health.close(),
    settle,
    advance: async (ms) => {
      clock.advance(ms);
      await settle();
    },
  };
}
