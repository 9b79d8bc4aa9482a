import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sizesOfTree, treeOf } from './process-tree.ts';

test('a tree is the process and all under it, and nobody else', () => {
  const rows = [
    '    1     0  9000',
    '   10     1  1000',
    '   11    10   500',
    '   12    11   250',
    '   13     1    70',
  ];
  assert.deepEqual(treeOf(10, rows.join('\n')), [
    { pid: 10, megabytes: 1.024 },
    { pid: 11, megabytes: 0.512 },
    { pid: 12, megabytes: 0.256 },
  ]);
});

test('a process that has ended has no tree', () => {
  assert.deepEqual(treeOf(99, '   10     1  1000\n'), []);
});

test('this process holds some megabytes', () => {
  const [own] = sizesOfTree(process.pid);
  assert.equal(own?.pid, process.pid);
  assert.ok((own?.megabytes ?? 0) > 10);
});
