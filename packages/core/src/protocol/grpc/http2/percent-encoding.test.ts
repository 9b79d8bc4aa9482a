import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeStatusMessage } from './percent-encoding.ts';

test('printable ASCII stays as it is, all else is encoded byte by byte', () => {
  assert.equal(encodeStatusMessage('no model "x"'), 'no model "x"');
  assert.equal(encodeStatusMessage('100% ä\n€'), '100%25 %C3%A4%0A%E2%82%AC');
});

test('a message that clients would refuse ends earlier, behind a whole character, and says so', () => {
  const [plain, encoded] = [encodeStatusMessage('x'.repeat(20_000)), encodeStatusMessage('€'.repeat(20_000))];
  assert.match(plain, /^x{6144} \.\.\. \(of 20000 characters\)$/);
  assert.match(encoded, /^(%E2%82%AC){682} \.\.\. \(of 20000 characters\)$/);
});
