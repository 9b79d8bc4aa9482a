import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SequenceSlots, type LiveSequence } from './sequence-slots.ts';

const entry = (
  key: string,
  request: number,
  flags: { start?: boolean; end?: boolean; deadline?: number } = {},
) => ({
  key,
  request,
  isStart: flags.start ?? false,
  isEnd: flags.end ?? false,
  deadline: flags.deadline ?? Infinity,
});
const START = { start: true };
const create = (slots: readonly number[]) => new SequenceSlots<number>({ slots, idleNs: 100 });
const added = (slots: SequenceSlots<number>, ...args: Parameters<typeof entry>): LiveSequence<number> => {
  const sequence = slots.add(entry(...args));
  assert.ok(sequence);
  return sequence;
};

describe('SequenceSlots', () => {
  test('fills slots in the order given, and takes the first of them again', () => {
    const slots = create([4, 2, 9]);
    const [a, b] = [added(slots, 'a', 1, START), added(slots, 'b', 2, START)];
    assert.deepEqual([a.slot, b.slot], [4, 2]);
    slots.cut(a);
    slots.cut(b);
    assert.equal(added(slots, 'c', 3, START).slot, 4);
  });

  test('a request that continues nothing is not kept', () => {
    const slots = create([0]);
    assert.equal(slots.add(entry('a', 1)), undefined);
    assert.equal(slots.liveCount, 0);
  });

  test('hands out one request of a sequence at a time', () => {
    const slots = create([0]);
    const a = added(slots, 'a', 1, START);
    slots.add(entry('a', 2));
    assert.deepEqual([slots.next(a), slots.next(a)], [1, undefined]);
    assert.equal(slots.finish(a, 0), a);
    assert.equal(slots.next(a), 2);
  });

  test('a slot goes to the sequence that has waited longest', () => {
    const slots = create([0]);
    const a = added(slots, 'a', 1, { start: true, end: true });
    const b = added(slots, 'b', 2, START);
    added(slots, 'c', 3, START);
    slots.next(a);
    assert.equal(slots.finish(a, 0), b);
    assert.equal(b.slot, 0);
  });

  test('a sequence never runs beside an earlier one of its key, even when a slot is free', () => {
    const slots = create([0, 1]);
    const first = added(slots, 'a', 1, { start: true, end: true });
    const second = added(slots, 'a', 2, START);
    assert.equal(second.slot, undefined);
    slots.next(first);
    assert.equal(slots.finish(first, 0), second);
  });

  test('cut short, sequences take no request; the idle ones make room for those that wait', () => {
    const slots = create([0, 1]);
    const [idle, busy] = [added(slots, 'idle', 1, START), added(slots, 'busy', 2, START)];
    const waiting = added(slots, 'waiting', 3, START);
    slots.next(idle);
    slots.next(busy);
    slots.finish(idle, 0);
    assert.deepEqual(slots.closeAll(), [waiting]);
    for (const key of ['idle', 'busy', 'waiting']) assert.equal(slots.add(entry(key, 4)), undefined);
    slots.next(waiting);
    slots.finish(waiting, 0);
    slots.finish(busy, 0);
    assert.equal(slots.liveCount, 0);
  });

  test('only idle sequences expire, each at its own time', () => {
    const slots = create([0, 1]);
    const [a, b] = [added(slots, 'a', 1, START), added(slots, 'b', 2, START)];
    slots.next(a);
    slots.next(b);
    slots.finish(a, 10);
    slots.finish(b, 20);
    assert.equal(slots.nextIdleExpiry(), 110);
    slots.expireIdle(109);
    assert.equal(slots.isOpen('a'), true);
    slots.expireIdle(110);
    assert.deepEqual([slots.isOpen('a'), slots.isOpen('b')], [false, true]);
    slots.add(entry('b', 3));
    assert.equal(slots.nextIdleExpiry(), Infinity);
  });

  test('the earliest deadline of its requests takes a sequence out of the backlog, with all of them', () => {
    const slots = create([0]);
    added(slots, 'a', 1, START);
    added(slots, 'b', 2, { start: true, deadline: 50 });
    slots.add(entry('b', 3, { deadline: 30 }));
    assert.equal(slots.nextDeadline(), 30);
    assert.deepEqual(slots.expireBacklog(29), []);
    assert.deepEqual(slots.expireBacklog(30), [2, 3]);
    assert.equal(slots.isOpen('b'), false);
  });

  test('cutting a sequence that is over changes nothing', () => {
    const slots = create([0]);
    const a = added(slots, 'a', 1, START);
    const b = added(slots, 'b', 2, START);
    slots.cut(a);
    assert.deepEqual(slots.cut(a), { dropped: [], next: undefined });
    assert.equal(added(slots, 'c', 3, START).slot, undefined);
    assert.equal(b.slot, 0);
  });

  test('whatever happens, no two sequences share a slot, and every request comes out once', () => {
    const step = fc.record({
      what: fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[])),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const run: Run = { slots: create([0, 1]), sequences: new Set(), taken: 0, out: [], now: 0 };
        for (const { what, key } of steps) {
          run.now += 7;
          STEPS[what](run, key);
          const running = [...run.sequences].filter((sequence) => sequence.running !== undefined);
          assert.equal(new Set(running.map(({ slot }) => slot)).size, running.length);
        }
        const all = [...run.out, ...run.slots.clear()].toSorted((a, b) => a - b);
        assert.deepEqual(
          all,
          Array.from({ length: run.taken }, (_, at) => at + 1),
        );
      }),
    );
  });
});

interface Run {
  readonly slots: SequenceSlots<number>;
  /** All that ever were, ended ones among them. */
  readonly sequences: Set<LiveSequence<number>>;
  taken: number;
  readonly out: number[];
  now: number;
}

function add(run: Run, key: string, flags: { start?: boolean; end?: boolean }): void {
  const sequence = run.slots.add(entry(key, run.taken + 1, { ...flags, deadline: run.now + 60 }));
  if (sequence === undefined) return;
  run.taken += 1;
  run.sequences.add(sequence);
}

function ofKey({ sequences }: Run, key: string): LiveSequence<number>[] {
  return [...sequences].filter((sequence) => sequence.key === key);
}

const STEPS = {
  start: (run: Run, key: string) => add(run, key, { start: true }),
  goOn: (run: Run, key: string) => add(run, key, {}),
  end: (run: Run, key: string) => add(run, key, { end: true }),
  next: (run: Run, key: string) => {
    for (const sequence of ofKey(run, key)) run.out.push(...[run.slots.next(sequence) ?? []].flat());
  },
  finish: (run: Run, key: string) => {
    const running = ofKey(run, key).find((sequence) => sequence.running !== undefined);
    if (running !== undefined) run.slots.finish(running, run.now);
  },
  cut: (run: Run, key: string) => {
    for (const sequence of ofKey(run, key)) run.out.push(...run.slots.cut(sequence).dropped);
  },
  time: ({ slots, out, now }: Run) => {
    out.push(...slots.expireBacklog(now));
    slots.expireIdle(now);
    assert.ok(slots.nextDeadline() > now);
    assert.ok(slots.nextIdleExpiry() > now);
  },
};
