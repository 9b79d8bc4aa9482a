import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { MemoryCgroup } from './memory-cgroup.ts';

const root = mkdtempSync(join(tmpdir(), 'nereid-cgroup-'));
after(() => rmSync(root, { recursive: true }));
let count = 0;

/** Files as Linux shows them, and a way to change them. */
function makePlaces(own: string, files: Readonly<Record<string, string>>) {
  const mount = join(root, String((count += 1)));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(mount, path)), { recursive: true });
    writeFileSync(join(mount, path), text);
  };
  write('own', own);
  for (const [path, text] of Object.entries(files)) write(path, text);
  return { mount, write, cgroup: MemoryCgroup.open({ own: join(mount, 'own'), mount }) };
}

test('version 2: a kill since it was opened is seen, and the least limit around it named', () => {
  const { mount, write, cgroup } = makePlaces('0::/pod/server\n', {
    'pod/memory.max': '1000\n',
    'pod/server/memory.max': 'max\n',
    'pod/server/memory.events': 'low 0\noom 3\noom_kill 2\noom_group_kill 0\n',
  });
  assert.equal(cgroup?.hasKilled, false);
  write('pod/server/memory.events', 'low 0\noom 4\noom_kill 3\noom_group_kill 0\n');
  assert.equal(cgroup?.hasKilled, true);
  assert.equal(cgroup?.describeLimit(), `1000 bytes (${mount}/pod/memory.max)`);
});

test('version 1: the group of the memory controller counts, whose largest number is no limit', () => {
  const { mount, write, cgroup } = makePlaces('5:cpu:/other\n4:memory:/pod\n0::/\n', {
    'memory/pod/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 0\n',
    'memory/pod/memory.limit_in_bytes': '9223372036854771712\n',
  });
  write('memory/pod/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n');
  assert.equal(cgroup?.hasKilled, true);
  assert.equal(cgroup?.describeLimit(), undefined);
  write('memory/pod/memory.limit_in_bytes', '2000\n');
  assert.equal(cgroup?.describeLimit(), `2000 bytes (${mount}/memory/pod/memory.limit_in_bytes)`);
});

test('a container that is told a name from outside has its group at the root', () => {
  const { mount, cgroup } = makePlaces('0::/kubepods/pod7\n', {
    'memory.events': 'oom_kill 0\n',
    'memory.max': '5\n',
  });
  assert.equal(cgroup?.describeLimit(), `5 bytes (${mount}/memory.max)`);
});

test('where there are no cgroups, or they count no kills, nothing is known', () => {
  assert.equal(MemoryCgroup.open({ own: join(root, 'none'), mount: root }), undefined);
  assert.equal(
    makePlaces('4:memory:/old\n', { 'memory/old/memory.oom_control': 'under_oom 0\n' }).cgroup,
    undefined,
  );
  assert.equal(makePlaces('', {}).cgroup, undefined);
});
