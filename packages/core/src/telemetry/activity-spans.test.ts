import assert from 'node:assert/strict';
import { test } from 'node:test';
import { activitySpans, type ActivitySpan } from './activity-spans.ts';

/** Spans as text: name, times, events in brackets, children in braces. */
function show(spans: readonly ActivitySpan[]): string {
  const texts = spans.map(({ name, startNs, endNs, events, children }) => {
    const inner = children.length > 0 ? `{${show(children)}}` : '';
    return `${name} ${startNs}-${endNs}[${events.map((event) => event.name).join(' ')}]${inner}`;
  });
  return texts.join(', ');
}

/** Spans and loose events of moments that are one nanosecond apart; the execution ends at 100. */
function shown(...names: readonly string[]): readonly string[] {
  const { spans, events } = activitySpans(
    names.map((name, ns) => ({ name, ns })),
    100,
  );
  return [show(spans), events.map(({ name }) => name).join(' ')];
}

test('what lies between a START and its END is a span, other names are events', () => {
  assert.deepEqual(shown('A_START', 'A_END', 'LOADED', 'B_START', 'HIT', 'B_END'), [
    'A 0-1[A_START A_END], B 3-5[B_START HIT B_END]',
    'LOADED',
  ]);
});

test('activities lie within those that are going on, also of the same name', () => {
  assert.deepEqual(shown('A_START', 'B_START', 'B_END', 'A_START', 'A_END', 'A_END'), [
    'A 0-5[A_START A_END]{B 1-2[B_START B_END], A 3-4[A_START A_END]}',
    '',
  ]);
});

test('what never ends is over with what it lies in, or with the execution', () => {
  assert.deepEqual(shown('A_START', 'B_START', 'A_END', 'C_START'), [
    'A 0-2[A_START A_END]{B 1-2[B_START]}, C 3-100[C_START]',
    '',
  ]);
});

test('an end without a beginning is an event', () => {
  assert.deepEqual(shown('A_END', 'B_START', 'A_END', 'B_END', '_END'), [
    'B 1-3[B_START A_END B_END]',
    'A_END _END',
  ]);
});

test('moments count by their time: messages of several threads may come in any order', () => {
  const moments = [
    { name: 'A_END', ns: 9 },
    { name: 'A_START', ns: 4 },
  ];
  assert.equal(show(activitySpans(moments, 10).spans), 'A 4-9[A_START A_END]');
});
