import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseCores, pinnedTo, splitCores } from './pinned-cores.ts';

test('the load gets the last quarter of the cores, and none of its own where they are few', () => {
  assert.deepEqual(splitCores([0, 1, 2, 3, 8, 9, 10, 11]), { servers: '0,1,2,3,8,9', load: '10,11' });
  assert.deepEqual(splitCores([0, 1, 2, 3]), { servers: '0,1,2', load: '3' });
  assert.equal(splitCores([0, 1, 2]), undefined);
});

test('lists of cores are read as the kernel writes them', () => {
  assert.deepEqual(parseCores('0-2,5,7-8'), [0, 1, 2, 5, 7, 8]);
  assert.deepEqual(parseCores(''), []);
});

test('a pinned program sees its cores alone', (context) => {
  if (!existsSync('/usr/bin/taskset')) return context.skip('taskset is not installed');
  const status = readFileSync('/proc/self/status', 'utf8');
  const core = /^Cpus_allowed_list:\s*(\d+)/m.exec(status)?.[1];
  const line = { command: process.execPath, args: ['-p', 'os.availableParallelism()'] };
  const { command, args } = pinnedTo(core, line);
  assert.equal(execFileSync(command, args, { encoding: 'utf8' }).trim(), '1');
  assert.equal(pinnedTo(undefined, line), line);
});
