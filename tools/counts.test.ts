import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addCounts, parseCounts, showCounts } from './counts.ts';

test('counts are read from the last line of a suite', () => {
  assert.deepEqual(parseCounts('12 passed, 3 failed'), { passed: 12, failed: 3, skipped: 0 });
  assert.deepEqual(parseCounts('12 passed, 3 failed, 4 skipped\n'), { passed: 12, failed: 3, skipped: 4 });
});

test('a suite that ends with any other line has failed', () => {
  for (const line of ['', 'Error: no server', 'all 12 passed, 3 failed']) {
    assert.deepEqual(parseCounts(line), { passed: 0, failed: 1, skipped: 0 });
  }
});

test('counts are added and shown', () => {
  const sum = addCounts({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 });
  assert.equal(showCounts(sum), '11 passed, 22 failed, 33 skipped');
  assert.equal(showCounts({ passed: 1, failed: 0, skipped: 0 }), '1 passed, 0 failed');
});
