import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeEnd } from './describe-end.ts';

const END = { status: null, signal: null, killedBecause: undefined, cgroup: undefined, lastLines: [] };

test('an exit status comes with the last words', () => {
  assert.equal(
    describeEnd({ ...END, status: 3, lastLines: ['a', 'b'] }),
    'ended with status 3; its last words: a | b',
  );
});

test('a signal comes with its usual reason, where there is one', () => {
  assert.match(describeEnd({ ...END, signal: 'SIGKILL' }), /^was ended by SIGKILL \(.*OOM killer/);
  assert.equal(describeEnd({ ...END, signal: 'SIGUSR1' }), 'was ended by SIGUSR1');
});

test('what the server did itself is not a mystery', () => {
  assert.equal(
    describeEnd({ ...END, signal: 'SIGKILL', killedBecause: 'it took too long' }),
    'was killed: it took too long',
  );
});

test('what the cgroup counts tells the OOM killer from others', () => {
  const cgroup = { hasKilled: true, describeLimit: () => '1000 bytes (memory.max)' };
  assert.equal(
    describeEnd({ ...END, signal: 'SIGKILL', cgroup }),
    "was ended by SIGKILL (by the kernel's OOM killer: the limit of its cgroup is 1000 bytes (memory.max); " +
      'give it more, or the model a MEMORY_LIMIT_BYTES below it)',
  );
  assert.match(
    describeEnd({ ...END, signal: 'SIGKILL', cgroup: { ...cgroup, describeLimit: () => undefined } }),
    /OOM killer: the machine had no memory left/,
  );
  assert.match(
    describeEnd({ ...END, signal: 'SIGKILL', cgroup: { ...cgroup, hasKilled: false } }),
    /^was ended by SIGKILL \(by a user or another program, not by the kernel's OOM killer\)$/,
  );
  assert.match(describeEnd({ ...END, signal: 'SIGSEGV', cgroup }), /native code/);
});
