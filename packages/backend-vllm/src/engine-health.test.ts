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

test('one that is silent for long while it sends is up', async () => {
  const health = watch({ isUp: true });
  health.answer = 'silent';
  health.dataAgeMs = 6000;
  await health.advance(5000);
  health.dataAgeMs = 500;
  await health.advance(1000);
  health.dataAgeMs = 6000;
  await health.advance(5000);
  assert.equal(health.probes, 2);
  assert.deepEqual(health.events, []);
});

test('one that is silent and has requests keeps them, and gets no others', async () => {
  const health = await silentWithRequests();
  assert.deepEqual(health.events, [RESTS]);
  health.answer = 'ok';
  await health.advance(500);
  assert.deepEqual(health.events, [RESTS, 'up']);
  await health.advance(60_000);
  assert.equal(health.events.length, 2);
});

test('data of an answer shows that a silent one is alive', async () => {
  const health = await silentWithRequests();
  health.dataAgeMs = 100;
  await health.advance(500);
  assert.deepEqual(health.events, [RESTS, 'up']);
});

test('one that stays silent loses its requests after ten seconds, and is given up after the usual time', async () => {
  const health = await silentWithRequests();
  await health.advance(9999);
  assert.deepEqual(health.events, [RESTS]);
  await health.advance(1);
  assert.deepEqual(health.events.slice(1), ['down: it does not answer for its health']);
  await health.advance(49_999);
  assert.equal(health.events.length, 2);
  await health.advance(1);
  assert.deepEqual(health.events.slice(2), ['given up: it does not answer for its health, for 60 s']);
});

for (const answer of ['bad', 'refused'] as const) {
  test(`one that rests and is found ${answer} is down at once`, async () => {
    const health = await silentWithRequests();
    health.answer = answer;
    await health.advance(500);
    assert.match(health.events[1] ?? '', /^down: /);
  });
}

test('a silent one without requests is down at once', async () => {
  const health = watch({ isUp: true });
  health.answer = 'silent';
  await health.advance(5000);
  await health.advance(1000);
  assert.deepEqual(health.events, ['down: it does not answer for its health']);
});

test('data that came before it fell makes nobody up', async () => {
  const health = watch({ isUp: true });
  health.answer = 'refused';
  health.dataAgeMs = 100;
  health.failed();
  await health.settle();
  health.answer = 'silent';
  await health.advance(500);
  assert.deepEqual(health.events, ['down: it refuses connections']);
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

const RESTS = 'rests: it does not answer for its health, and may be busy: what it has is left to it for 10 s';

/** One that has missed two times. */
async function silentWithRequests(): Promise<Watched> {
  const health = watch({ isUp: true });
  health.answer = 'silent';
  health.hasRequests = true;
  await health.advance(5000);
  await health.advance(1000);
  return health;
}

interface Watched {
  readonly clock: ManualClock;
  readonly events: readonly string[];
  readonly probes: number;
  answer: ProbeResult;
  dataAgeMs: number;
  hasRequests: boolean;
  failed(): void;
  close(): void;
  /** Lets answers that are there be heard. */
  settle(): Promise<void>;
  advance(ms: number): Promise<void>;
}

function watch({ isUp }: { readonly isUp: boolean }): Watched {
  const clock = new ManualClock();
  const events: string[] = [];
  const state = { answer: 'ok' as ProbeResult, dataAgeMs: Infinity, hasRequests: false, probes: 0 };
  const health = new EngineHealth(
    {
      clock,
      intervalMs: 5000,
      probe: () => {
        state.probes += 1;
        return Promise.resolve(state.answer);
      },
      dataAgeMs: () => state.dataAgeMs,
      hasRequests: () => state.hasRequests,
      onUp: () => void events.push('up'),
      onRest: (why) => void events.push(`rests: ${why}`),
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
    set hasRequests(has: boolean) {
      state.hasRequests = has;
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
