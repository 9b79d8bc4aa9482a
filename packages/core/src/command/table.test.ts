import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTable, wrap } from './table.ts';

test('formatTable frames cells and keeps those of several lines together', () => {
  const table = formatTable(
    ['Model', 'Status'],
    [
      ['a', 'READY'],
      ['longer', 'first\nsecond'],
    ],
  );
  assert.equal(
    table,
    [
      '+--------+--------+',
      '| Model  | Status |',
      '+--------+--------+',
      '| a      | READY  |',
      '| longer | first  |',
      '|        | second |',
      '+--------+--------+',
    ].join('\n'),
  );
});

test('wrap breaks at spaces and leaves long words whole', () => {
  assert.equal(wrap('one two three', 8), 'one two\nthree');
  assert.equal(wrap('incomprehensibilities no', 5), 'incomprehensibilities\nno');
});
