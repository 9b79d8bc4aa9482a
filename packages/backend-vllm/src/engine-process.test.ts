import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { EngineProcess, GUARD } from './engine-process.ts';

/** An engine with a child that takes no notice of SIGTERM; it prints both pids. */
const ENGINE = `(trap '' TERM; while :; do sleep 0.1; done) & echo "child $!"; echo "engine $$"; wait`;
/** As above, but it takes no notice itself either. */
const STUBBORN = `trap '' TERM; ${ENGINE}; while :; do sleep 0.1; done`;

test('an engine that ends takes along what it has started', async () => {
  const { engine, pids } = await start(ENGINE);
  process.kill(pids.engine, 'SIGTERM');
  assert.equal(await engine.ended, 'was ended by SIGTERM');
  await untilGone(pids.child);
});

test('to be stopped is told first, and ends all of the group', async () => {
  const { engine, pids } = await start(ENGINE);
  await engine.stop();
  await untilGone(pids.engine);
  await untilGone(pids.child);
  assert.equal(engine.hasEnded, true);
});

test('an engine is killed with the reason that is given', async () => {
  const { engine, pids } = await start(STUBBORN);
  engine.kill('it does not answer');
  assert.equal(await engine.ended, 'was ended: it does not answer');
  await untilGone(pids.engine);
  await untilGone(pids.child);
});

test('the group ends when the server is killed', async () => {
  const script = `
    const { EngineProcess } = await import(${JSON.stringify(new URL('./engine-process.ts', import.meta.url).href)});
    new EngineProcess({ command: ['/bin/sh', '-c', ${JSON.stringify(ENGINE)}], environment: {}, onLine: console.log });
  `;
  const server = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pids = await readPids(createInterface({ input: server.stdout }));
  server.kill('SIGKILL');
  await once(server, 'exit');
  await untilGone(pids.engine);
});

test('what takes no notice is killed when the server has been gone for a while', async () => {
  const guard = spawn('/bin/sh', [GUARD, '1', '/bin/sh', '-c', STUBBORN], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const pids = await readPids(createInterface({ input: guard.stdout }));
  guard.stdin.end();
  await untilGone(pids.engine);
  await untilGone(pids.child);
});

test('a program that is not there is told as the shell does', async () => {
  const lines: string[] = [];
  const engine = new EngineProcess({
    command: ['/no/such/engine'],
    environment: {},
    onLine: (line) => void lines.push(line),
  });
  assert.equal(await engine.ended, 'ended with status 127');
  assert.match(lines.join('\n'), /\/no\/such\/engine.*not found/);
});

test('lines come from both streams, a progress bar among them, with the environment that was given', async () => {
  const lines: string[] = [];
  const engine = new EngineProcess({
    command: ['/bin/sh', '-c', String.raw`printf '10%%\r20%%\n'; echo "$GREETING" >&2; exit 3`],
    environment: { GREETING: 'hello' },
    onLine: (line) => void lines.push(line),
  });
  assert.equal(await engine.ended, 'ended with status 3');
  assert.deepEqual(lines.toSorted(), ['10%', '20%', 'hello']);
});

interface Pids {
  readonly engine: number;
  readonly child: number;
}

async function start(script: string): Promise<{ engine: EngineProcess; pids: Pids }> {
  const listeners: ((line: string) => void)[] = [];
  const engine = new EngineProcess({
    command: ['/bin/sh', '-c', script],
    environment: {},
    onLine: (line) => {
      for (const listener of listeners) listener(line);
    },
  });
  const pids = await readPids({ on: (_, listener) => void listeners.push(listener) });
  return { engine, pids };
}

/** The lines that an engine of these tests begins with. */
function readPids(lines: { on(event: 'line', listener: (line: string) => void): unknown }): Promise<Pids> {
  const found = new Map<string, number>();
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      const [name = '', pid] = line.split(' ');
      found.set(name, Number(pid));
      const [engine, child] = [found.get('engine'), found.get('child')];
      if (engine !== undefined && child !== undefined) resolve({ engine, child });
    });
  });
}

/** Fails with the suite's own limit when the process stays. One that nobody has collected yet is gone, too. */
async function untilGone(pid: number): Promise<void> {
  for (;;) {
    const status = await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]).then(
      ({ stdout }) => stdout.trim(),
      () => '',
    );
    if (status === '' || status.startsWith('Z')) return;
    await delay(10);
  }
}
