import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildInferMessage } from '../../../test/infer-message.ts';
import type { CallMetadata } from './call.ts';
import { forwardHeaders } from './header-forwarding.ts';

const MESSAGE = buildInferMessage({ parameters: { a: 1 } });

function metadata(...entries: readonly (readonly [string, string])[]): CallMetadata {
  return { get: () => [], entries: () => entries };
}

test('metadata whose keys match become parameters, and win over those of the request', () => {
  const sent = metadata(['a', 'theirs'], ['b', 'two'], ['c', 'three']);
  assert.deepEqual(forwardHeaders(MESSAGE, sent, /^[ab]$/).parameters, { a: 'theirs', b: 'two' });
});

test("no metadata becomes one of the server's own parameters", () => {
  const sent = metadata(['triton_client_key', 'x'], ['b', 'two']);
  assert.deepEqual(forwardHeaders(MESSAGE, sent, /./).parameters, { a: 1, b: 'two' });
});

test('a request without such metadata stays as it is', () => {
  assert.equal(forwardHeaders(MESSAGE, metadata(['b', 'two']), /x/), MESSAGE);
  assert.equal(forwardHeaders(MESSAGE, metadata(['b', 'two']), undefined), MESSAGE);
});
