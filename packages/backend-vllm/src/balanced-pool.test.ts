import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferenceServerError } from '@nereid/backend-sdk';
import { createRecordingMetrics } from '@nereid/backend-sdk/testing';
import { BalancedPool } from './balanced-pool.ts';
import { EngineMember } from './engine-member.ts';
import type { Engine, EngineLease, EngineNeed } from './engine.ts';
import type { AdmissionLimits } from './engine-settings.ts';
import { PoolMetrics } from './pool-metrics.ts';
import { ManualClock } from './testing/manual-clock.ts';

test('a place is given before acquire returns', () => {
  const pool = makePool(['a']);
  const request = pool.ask();
  assert.equal(request.on, 'a');
});

test('requests go to the engine with the least to do', () => {
  const pool = makePool(['a', 'b']);
  const on = [1, 2, 3, 4].map(() => pool.ask().on);
  assert.deepEqual(on.toSorted(), ['a', 'a', 'b', 'b']);
});

test('what waits within an engine counts, while it is news', () => {
  const pool = makePool(['a', 'b']);
  pool.member('a').reportWaiting(5);
  assert.deepEqual([pool.ask().on, pool.ask().on], ['b', 'b']);
  pool.clock.advance(10_000);
  assert.equal(pool.ask().on, 'a');
});

test('prompts that begin alike go to the same engine', () => {
  const pool = makePool(['a', 'b', 'c']);
  const first = pool.ask({ prefixes: [1, 2] }).on;
  const same = [1, 2, 3].map((last) => pool.ask({ prefixes: [1, 2, last] }).on);
  assert.deepEqual(same, [first, first, first]);
  assert.notEqual(pool.ask({ prefixes: [9] }).on, first);
});

test('more than the places wait, and get them in turn', () => {
  const pool = makePool(['a'], { maxConcurrent: 1 });
  const [first, second, third] = [pool.ask(), pool.ask(), pool.ask()];
  assert.deepEqual([first.on, second.on, third.on], ['a', undefined, undefined]);
  assert.equal(pool.value('nereid_llm_queue_requests'), 2);
  first.lease?.release('done', 100);
  first.lease?.release('done', 100);
  assert.deepEqual([second.on, third.on], ['a', undefined]);
  second.lease?.release('cancelled', 0);
  assert.equal(third.on, 'a');
  assert.equal(pool.value('nereid_llm_queue_requests'), 0);
  assert.equal(pool.value('nereid_llm_running_requests'), 1);
});

test('whoever has had the least is next', () => {
  const pool = makePool(['a'], { maxConcurrent: 1 });
  const running = pool.ask({ clientKey: 'x' });
  const much = [1, 2, 3].map(() => pool.ask({ clientKey: 'x', tokens: 100 }));
  const little = pool.ask({ clientKey: 'y', tokens: 100 });
  running.lease?.release('done', 100);
  much[0]?.lease?.release('done', 100);
  assert.equal(little.on, 'a');
});

test('a full queue refuses with the time after which it has drained', () => {
  const pool = makePool(['a'], { maxConcurrent: 1, maxQueueRequests: 2 });
  const running = pool.ask({ tokens: 100 });
  pool.clock.advance(1000);
  running.lease?.release('done', 100);
  const waiting = [1, 2, 3].map(() => pool.ask({ tokens: 300 }));
  assert.deepEqual(
    waiting.map(({ refusal }) => refusal),
    [undefined, undefined, undefined],
  );
  const { refusal } = pool.ask({ tokens: 300 });
  assert.equal(refusal?.code, 'UNAVAILABLE');
  assert.equal(refusal?.http?.status, 429);
  // 600 tokens wait, and 100 were done in the second that there was.
  assert.equal(refusal?.http?.retryAfterSeconds, 6);
  assert.equal(
    refusal?.message,
    "model 'm' has 2 requests of about 600 tokens waiting and takes no more of this client, try again in 6 s",
  );
  assert.equal(pool.value('nereid_llm_refused_total', 'reason="queue_full"'), 1);
});

test('who has less than a share gets in, and the newest of who has most is refused', () => {
  const pool = makePool(['a'], { maxConcurrent: 1, maxQueueRequests: 2 });
  pool.ask();
  const [oldest, newest] = [pool.ask({ clientKey: 'x' }), pool.ask({ clientKey: 'x' })];
  const other = pool.ask({ clientKey: 'y' });
  assert.deepEqual([oldest.refusal, other.refusal], [undefined, undefined]);
  assert.equal(newest.refusal?.http?.status, 429);
  assert.equal(pool.value('nereid_llm_refused_total', 'reason="evicted"'), 1);
});

test('a request that gives up leaves the queue at once', () => {
  const pool = makePool(['a'], { maxConcurrent: 1 });
  const running = pool.ask();
  const given = pool.ask();
  const next = pool.ask();
  given.giveUp();
  assert.equal(pool.value('nereid_llm_queue_requests'), 1);
  running.lease?.release('done', 1);
  assert.deepEqual([given.on, given.refusal, next.on], [undefined, undefined, 'a']);
  given.giveUp();
});

test('a request waits until its deadline', () => {
  const pool = makePool(['a'], { maxConcurrent: 1 });
  pool.ask();
  const late = pool.ask({ deadline: pool.clock.now() + 500 });
  pool.clock.advance(499);
  assert.equal(late.why, '');
  pool.clock.advance(1);
  assert.equal(late.why, "model 'm' had no place for it before its time was over");
  assert.equal(pool.value('nereid_llm_queue_requests'), 0);
  assert.equal(pool.clock.pending, 0);
});

test('while no engine is up requests wait for one, not for ever', () => {
  const pool = makePool(['a']);
  pool.down('a', 'the engine a ended');
  assert.equal(pool.pool.isReady, false);
  const [patient, served] = [pool.ask(), pool.ask()];
  pool.clock.advance(30_000);
  assert.equal(patient.refusal?.message, "model 'm' has no engine that can serve: the engine a ended");
  assert.equal(patient.refusal?.http?.status, undefined);
  assert.equal(served.refusal?.code, 'UNAVAILABLE');
  const next = pool.ask();
  pool.up('a');
  assert.equal(next.on, 'a');
  assert.equal(pool.clock.pending, 0);
});

test('what waits while the last engine goes has its time from then on', () => {
  const pool = makePool(['a'], { maxConcurrent: 1 });
  pool.ask();
  const waiting = pool.ask();
  pool.clock.advance(60_000);
  pool.down('a', 'gone');
  pool.clock.advance(29_999);
  assert.equal(waiting.why, '');
  pool.clock.advance(1);
  assert.match(waiting.why, /gone/);
});

test('an engine that rests keeps what it has, and gets nothing more until it is up', () => {
  const pool = makePool(['a']);
  const [running, next] = [pool.ask(), { lost: '' }];
  assert.ok(running.lease);
  running.lease.onLost = (why) => (next.lost = why);
  pool.pool.rest(pool.member('a'), 'a request to it failed');
  const waiting = pool.ask();
  assert.deepEqual([next.lost, waiting.on, pool.pool.isReady], ['', undefined, false]);
  pool.up('a');
  assert.equal(waiting.on, 'a');
});

test('a request that fails as it gets its place does not hold up those behind it', () => {
  const pool = makePool(['a'], { maxConcurrent: 1 });
  const running = pool.ask();
  pool.pool.acquire({ ...NEED }, (lease) => {
    lease?.release('failed', 0);
    throw new Error('a fault of ours');
  });
  const next = pool.ask();
  assert.throws(() => running.lease?.release('done', 1), /a fault of ours/);
  pool.ask().lease?.release('done', 1);
  assert.equal(next.on, 'a');
});

test('an engine that goes down loses what it has, and gets nothing more', () => {
  const pool = makePool(['a', 'b']);
  const requests = [pool.ask(), pool.ask()];
  const lost: string[] = [];
  for (const { lease, on } of requests) {
    if (lease !== undefined) lease.onLost = (why) => void lost.push(`${on}: ${why}`);
  }
  pool.down('a', 'it refuses connections');
  assert.deepEqual(lost, ['a: it refuses connections']);
  assert.equal(pool.ask().on, 'b');
  assert.equal(pool.value('nereid_llm_engine_up', 'engine_name="a"'), 0);
});

test('a failed request goes to another engine, before all that wait', () => {
  const pool = makePool(['a', 'b'], { maxConcurrent: 1 });
  const [first, second] = [pool.ask(), pool.ask()];
  const waiting = pool.ask();
  const failed = [first, second].find(({ on }) => on === 'a');
  const other = [first, second].find(({ on }) => on === 'b');
  const not = new Set([pool.member('a').engine]);
  const retry = pool.ask({ not });
  failed?.lease?.release('failed', 0);
  assert.deepEqual([waiting.on, retry.on], ['a', undefined]);
  other?.lease?.release('done', 1);
  assert.equal(retry.on, 'b');
});

test('a request that all engines failed is told so at once', () => {
  const pool = makePool(['a']);
  const { refusal } = pool.ask({ not: new Set([pool.member('a').engine]) });
  assert.equal(refusal?.message, "model 'm' has no other engine to try");
});

test('a request does not wait for engines that are away when those that are there have failed it', () => {
  const pool = makePool(['a', 'b']);
  pool.down('b', 'gone');
  const { refusal } = pool.ask({ not: new Set([pool.member('a').engine]) });
  assert.equal(refusal?.message, "model 'm' has no other engine to try");
});

test('a request that waits for the last engine that has not failed it is refused when that goes', () => {
  const pool = makePool(['a', 'b'], { maxConcurrent: 1 });
  const running = [pool.ask(), pool.ask()];
  const retry = pool.ask({ not: new Set([pool.member('a').engine]) });
  assert.equal(retry.why, '');
  pool.down('b', 'gone');
  assert.equal(retry.why, "model 'm' has no other engine to try");
  assert.equal(pool.value('nereid_llm_refused_total', 'reason="no_engine"'), 1);
  for (const { lease } of running) lease?.release('done', 1);
  assert.equal(pool.clock.pending, 0);
});

test('a request that waits while no engine is there is refused when only one comes that failed it', () => {
  const pool = makePool(['a', 'b']);
  pool.down('a', 'gone');
  pool.down('b', 'gone');
  const not = new Set([pool.member('a').engine]);
  const [early, late] = [pool.ask({ not }), pool.ask({ not })];
  assert.equal(early.why, '');
  pool.up('a');
  assert.equal(early.why, "model 'm' has no other engine to try");
  assert.equal(late.why, early.why);
});

test('a conversation stays where its beginning is, beside others that begin alike elsewhere', () => {
  const pool = makePool(['a', 'b']);
  // Conversations behind one system prompt (1), with words of their own: 2, 3 and 9.
  const first = pool.ask({ prefixes: [1, 2] });
  const busy = [1, 2, 3, 4, 5].map(() => pool.ask({ prefixes: [1, 9] }));
  const second = pool.ask({ prefixes: [1, 3] });
  assert.notEqual(second.on, first.on);
  for (const { lease } of [...busy, first, second]) lease?.release('done', 1);
  // Equally loaded now: each goes where its own words are, not where the last one behind the system prompt went.
  assert.equal(pool.ask({ prefixes: [1, 2, 5] }).on, first.on);
  assert.equal(pool.ask({ prefixes: [1, 3, 6] }).on, second.on);
});

test('a conversation leaves an engine that has much more to do, and comes back to where it went', () => {
  const pool = makePool(['a', 'b']);
  const first = pool.ask({ prefixes: [1] });
  const others = Array.from({ length: 5 }, (_, index) => pool.ask({ prefixes: [1, 10 + index] }));
  assert.deepEqual(new Set(others.slice(0, 4).map(({ on }) => on)), new Set([first.on]));
  const moved = others.at(-1);
  assert.notEqual(moved?.on, first.on);
  for (const { lease } of others) lease?.release('done', 1);
  assert.equal(pool.ask({ prefixes: [1, 14, 20] }).on, moved?.on);
});

test('a slow engine gets what its own queue has room for, the others the rest', () => {
  const pool = makePool(['slow', 'quick']);
  const counts: Record<string, number> = { slow: 0, quick: 0 };
  // The quick one is done with each request before the next comes, the slow one with none.
  for (let index = 0; index < 100; index++) {
    const { on = '', lease } = pool.ask();
    counts[on] = (counts[on] ?? 0) + 1;
    if (on === 'quick') lease?.release('done', 1);
  }
  assert.deepEqual(counts, { slow: 1, quick: 99 });
});

test('a taker that gives its place back at once does not stop the queue', () => {
  const pool = makePool(['a'], { maxConcurrent: 1 });
  const running = pool.ask();
  let served = 0;
  for (let index = 0; index < 1000; index++) {
    pool.pool.acquire(NEED, (lease) => {
      served += 1;
      lease?.release('done', 1);
    });
  }
  running.lease?.release('done', 1);
  assert.equal(served, 1000);
});

test('the end refuses what waits and aborts what runs', () => {
  const pool = makePool(['a'], { maxConcurrent: 1 });
  const running = pool.ask();
  const waiting = pool.ask();
  let lost = '';
  if (running.lease !== undefined) running.lease.onLost = (why) => (lost = why);
  pool.pool.close();
  assert.equal(lost, 'the model is unloaded');
  assert.equal(waiting.refusal?.message, "model 'm' is being unloaded");
  assert.equal(pool.ask().refusal?.message, "model 'm' is being unloaded");
  assert.equal(pool.pool.isReady, false);
});

const NEED: EngineNeed = { tokens: 10, clientKey: '', prefixes: [], not: new Set(), deadline: undefined };

/** A request for a place, and what came of it. */
interface Asked {
  lease: EngineLease | undefined;
  refusal: InferenceServerError | undefined;
  /** Message of the refusal; '' while there is none. */
  readonly why: string;
  /** Name of the engine. */
  readonly on: string | undefined;
  giveUp(): void;
}

interface TestPool {
  readonly pool: BalancedPool;
  readonly clock: ManualClock;
  ask(need?: Partial<EngineNeed>): Asked;
  member(name: string): EngineMember;
  up(name: string): void;
  down(name: string, why: string): void;
  value(metric: string, label?: string): number | undefined;
}

function makePool(names: readonly string[], limits: Partial<AdmissionLimits> = {}): TestPool {
  const clock = new ManualClock();
  const values = new Map<string, number>();
  const metrics = new PoolMetrics(createRecordingMetrics(values), { model: 'm' });
  const pool = new BalancedPool({
    modelName: 'm',
    limits: { maxConcurrent: 100, maxQueueRequests: 2000, maxQueueTokens: 0, ...limits },
    clock,
    metrics,
  });
  const members = new Map(
    names.map((name) => [name, new EngineMember(fakeEngine(name), clock, metrics.engineUp(name))]),
  );
  const member = (name: string): EngineMember => {
    const found = members.get(name);
    assert.ok(found);
    return found;
  };
  for (const one of members.values()) {
    pool.add(one);
    pool.up(one);
  }
  return {
    pool,
    clock,
    member,
    up: (name) => pool.up(member(name)),
    down: (name, why) => pool.down(member(name), why),
    ask: (need = {}) => {
      const asked: Asked = {
        lease: undefined,
        refusal: undefined,
        get why() {
          return this.refusal?.message ?? '';
        },
        get on() {
          return this.lease?.engine.modelName;
        },
        giveUp: () => undefined,
      };
      asked.giveUp = pool.acquire({ ...NEED, ...need }, (lease, refusal) => {
        asked.lease = lease;
        asked.refusal = refusal;
      });
      return asked;
    },
    value: (metric, label) => values.get(`${metric}{model="m"${label === undefined ? '' : `,${label}`}}`),
  };
}

/** Only its name is looked at. */
function fakeEngine(name: string): Engine {
  return { modelName: name, url: new URL(`http://${name}`) } as Engine;
}
