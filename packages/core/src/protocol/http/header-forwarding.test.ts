import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildInferMessage } from '../../../test/infer-message.ts';
import { forwardHeaders } from './header-forwarding.ts';

const MESSAGE = buildInferMessage({ parameters: { a: 1 } });

test('headers whose names match become parameters, names as they were written', () => {
  const { parameters } = forwardHeaders(
    MESSAGE,
    ['My-Header', 'one', 'x', 'y', 'X-Other', 'two'],
    /my-header|X-/i,
  );
  assert.deepEqual(parameters, { a: 1, 'My-Header': 'one', 'X-Other': 'two' });
});

test('a request without a matching header stays as it is', () => {
  assert.equal(forwardHeaders(MESSAGE, ['x', 'y'], /z/), MESSAGE);
  assert.equal(forwardHeaders(MESSAGE, ['x', 'y'], undefined), MESSAGE);
});

test('a header with the name of a reserved parameter is refused', () => {
  for (const name of ['priority', 'sequence_id', 'triton_x']) {
    assert.throws(() => forwardHeaders(MESSAGE, [name, '1'], /./), {
      code: 'INVALID_ARG',
      message: new RegExp(name),
    });
  }
});
