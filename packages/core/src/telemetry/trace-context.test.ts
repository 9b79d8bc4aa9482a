import assert from 'node:assert/strict';
import test from 'node:test';
import { parseTraceContext, toTraceparent } from './trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

function parse(traceparent: string | undefined, tracestate?: string): unknown {
  return parseTraceContext({ traceparent, tracestate });
}

test('a context is read, with what vendors add, and written', () => {
  const context = parse(`00-${TRACE}-${SPAN}-00`, 'a=1,b=2');
  assert.deepEqual(context, { traceId: TRACE, spanId: SPAN, traceState: 'a=1,b=2' });
  assert.equal(
    toTraceparent({ traceId: TRACE, spanId: SPAN, traceState: undefined }),
    `00-${TRACE}-${SPAN}-01`,
  );
});

test('a later version may have more fields', () => {
  assert.deepEqual(parse(`01-${TRACE}-${SPAN}-01-more`), {
    traceId: TRACE,
    spanId: SPAN,
    traceState: undefined,
  });
});

for (const [title, header] of [
  ['no header', undefined],
  ['another text', 'yes'],
  ['version ff', `ff-${TRACE}-${SPAN}-01`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['text after the flags', `00-${TRACE}-${SPAN}-011`],
] as const) {
  test(`${title} is no context`, () => {
    assert.equal(parse(header), undefined);
  });
}
