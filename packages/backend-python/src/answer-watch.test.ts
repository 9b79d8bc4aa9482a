import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerWatch } from './answer-watch.ts';

/** A thread whose clock and event loop are moved by hand. */
class Thread {
  now = 0;
  #calls: (() => void)[] = [];
  readonly watch: AnswerWatch;

  constructor(limitMs = 0.3) {
    this.watch = new AnswerWatch(limitMs, {
      now: () => this.now,
      nextRound: (call) => this.#calls.push(call),
    });
  }

  get isAwake(): boolean {
    return this.#calls.length > 0;
  }

  /** How often the next round looks. */
  get looks(): number {
    return this.#calls.length;
  }

  /** A round of the event loop. */
  round(): void {
    for (const call of this.#calls.splice(0)) call();
  }

  /** The process answers some requests, one after the other. */
  answer(count: number, ms: number): void {
    for (let left = count; left > 0; left -= 1) {
      this.watch.begin();
      this.now += ms;
      this.watch.heard();
      this.round();
    }
  }
}

test('stays awake for a process that answers fast, until it answers', () => {
  const thread = new Thread();
  thread.watch.begin();
  assert.equal(thread.isAwake, false, 'nothing is known of it');
  thread.watch.heard();
  thread.answer(50, 0.1);
  thread.watch.begin();
  thread.now += 0.2;
  thread.round();
  assert.equal(thread.isAwake, true);
  thread.watch.heard();
  thread.round();
  assert.equal(thread.isAwake, false);
});

test('goes to sleep when the answer does not come in time', () => {
  const thread = new Thread();
  thread.answer(50, 0.1);
  thread.watch.begin();
  thread.now += 0.31;
  thread.round();
  assert.equal(thread.isAwake, false);
});

test('sleeps at once when answers take long, and looks once for one that follows another', () => {
  const thread = new Thread();
  thread.answer(50, 0.8);
  thread.watch.begin();
  assert.equal(thread.isAwake, false);
  thread.watch.heard();
  thread.answer(50, 0.1);
  thread.watch.begin();
  thread.watch.begin();
  assert.equal(thread.looks, 1);
  thread.round();
  assert.equal(thread.looks, 1);
  thread.now += 1;
  thread.round();
  assert.equal(thread.isAwake, false);
});

test('sleeps when the process gets more to do', () => {
  const thread = new Thread();
  thread.answer(50, 0.1);
  thread.watch.begin();
  thread.watch.stop();
  thread.round();
  assert.equal(thread.isAwake, false);
});

test('never, when it is told so', () => {
  const thread = new Thread(0);
  thread.answer(50, 0.1);
  thread.watch.begin();
  assert.equal(thread.isAwake, false);
});
