import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LastLines } from './last-lines.ts';

test('keeps the last five lines, the open one too, and no empty ones', () => {
  const text = new LastLines();
  text.add('1\n2\n\n3\n4\r\n5');
  text.add('5\n6\n7');
  assert.deepEqual(text.lines, ['3', '4', '55', '6', '7']);
});

test('a line that comes byte by byte is one line, and a long one is cut', () => {
  const text = new LastLines();
  for (const letter of `ab${'c'.repeat(1000)}\n`) text.add(letter);
  assert.equal(text.lines.length, 1);
  assert.ok((text.lines[0]?.length ?? 0) <= 300);
});

test("of Python's account of a fault the innermost calls stay", () => {
  const text = new LastLines();
  text.add('before\nFatal Python error: Segmentation fault\n\nCurrent thread\n  File "a"\n  File "b"\n');
  text.add('  File "c"\n  File "d"\n  File "e"\n');
  assert.deepEqual(text.lines, [
    'Fatal Python error: Segmentation fault',
    'Current thread',
    '  File "a"',
    '  File "b"',
    '  File "c"',
  ]);
});
