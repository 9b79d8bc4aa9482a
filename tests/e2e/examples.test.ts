import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LIMIT = { timeout: 60_000 };
/** For what needs a POSIX shell and signals. */
const POSIX = { ...LIMIT, skip: process.platform === 'win32' };
/** For what downloads a language model, and runs it. */
const LANGUAGE_MODEL = { ...POSIX, timeout: 170_000 };
const run = promisify(execFile);

/** Runs a script of an example from the root of the repository and gives what it printed. */
async function runExample(script: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [`examples/${script}`, ...args], { cwd: ROOT });
  return stdout;
}

/** A port that was free a moment ago, with room for two more behind it. */
async function somePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return Math.min(port, 64_000);
}

test('the first run reads the text of the picture and ends with --once', LIMIT, async () => {
  const output = await runExample('first-run/start.ts', '--once', `--port=${await somePort()}`);
  assert.match(output, /text_recognition read "NEREID 2026"/);
  assert.match(output, /confidence 9\d\.\d %/);
});

test(
  'the first run reads another text, and says which ports it takes when some are in use',
  LIMIT,
  async () => {
    const port = await somePort();
    const taken = createServer().listen(port, '127.0.0.1');
    await once(taken, 'listening');
    try {
      const output = await runExample('first-run/start.ts', '--once', '--text=HELLO WORLD', `--port=${port}`);
      assert.match(output, /text_recognition read "HELLO WORLD"/);
      assert.match(
        output,
        new RegExp(`A port from ${port} to ${port + 2} is in use: taking ${port + 10} to`),
      );
    } finally {
      taken.close();
    }
  },
);

test(
  'the curl lines of the first run work when pasted, and SIGTERM ends it with its server',
  POSIX,
  async () => {
    const first = spawn(process.execPath, ['examples/first-run/start.ts', `--port=${await somePort()}`], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let output = '';
      for await (const chunk of first.stdout) {
        output += String(chunk);
        if (output.includes('Serving until Ctrl-C')) break;
      }
      const lines = output.match(/curl .+/g) ?? [];
      assert.equal(lines.length, 2);
      const [identity, recognition] = await Promise.all(
        lines.map((line) => run('sh', ['-c', line], { cwd: ROOT })),
      );
      assert.match(identity?.stdout ?? '', /"data":\[1\.0,2\.0,3\.0\]/);
      assert.match(recognition?.stdout ?? '', /^200: \d{6,} bytes in/);
    } finally {
      const ended = once(first, 'exit');
      first.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null]);
    }
  },
);

test('the custom backend is found, loaded from TypeScript, and computes', LIMIT, async () => {
  assert.equal(await runExample('02-custom-backend/run.ts'), 'PROBABILITIES: 0.0159 0.1173 0.8668\n');
});

test('the embedded server answers every request', LIMIT, async () => {
  const output = await runExample('03-embed/run.ts');
  assert.match(output, /^answers: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15$/m);
  assert.match(output, /^16 inferences in \d+ executions$/m);
});

test('the voice activity of two callers is that of the model without a server', LIMIT, async () => {
  const output = await runExample('05-voice-activity/run.ts');
  assert.match(output, /^the first caller speaks from 0\.3 to 2\.\d s, 3\.\d to 4\.\d s$/m);
  assert.match(output, /^the second caller speaks from 0\.\d to 2\.\d s, 3\.\d to [45]\.\d s$/m);
  const difference = Number(/ONNX Runtime alone: (.+)$/m.exec(output)?.[1]);
  assert.ok(difference < 1e-5, output);
});

test('the OCR ensemble reads every line of the picture, in order', LIMIT, async () => {
  const output = await runExample('04-ocr-ensemble/run.ts');
  assert.deepEqual(output.match(/^.+(?= \(\d)/gm), ['NEREID 2026', 'HELLO WORLD', 'LINE 3']);
});

test('the chat that knows the manual answers with its passages, in a stream', LANGUAGE_MODEL, async () => {
  const output = await runExample('08-llm-rag/run.ts');
  assert.match(output, /^\d{3} passages$/m);
  // The passages are among what goes in, and something comes out.
  assert.match(
    output,
    /\n\nWhat does the rate limiter limit\?\n[^]{20,}\n\n\d{3,4} tokens in, \d{2,3} out\n$/,
  );
});

test('the chat about a picture repeats what is written on it', LANGUAGE_MODEL, async () => {
  const output = await runExample('09-vision-language/run.ts');
  assert.match(output, /OPEN 9 T[O0] 5/);
  assert.match(output, /CLOSED ON MONDAY/);
});
