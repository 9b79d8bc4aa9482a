import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

const WITH_LIMITS = { skip: process.platform === 'win32' && 'needs ulimit' };

/** Runs code where no file may become longer than 2 or 4 KiB, as the shell counts, and returns what it printed. */
function runWithSmallDisk(t: TestContext, code: string): { folder: string; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-trace-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = `
    const { TraceFile } = await import(${JSON.stringify(new URL('./trace-file.ts', import.meta.url).href)});
    const errors = [];
    const logger = { error: (text) => errors.push(text), warning: (text) => errors.push(text) };
    const file = new TraceFile(${JSON.stringify(join(folder, 'trace.json'))}, logger);
    ${code}
    await file.close();
    console.log(errors.join('\\n'));`;
  // A write beyond the limit is a signal at first, which ends the process unless it is ignored.
  const limited = 'trap "" XFSZ; ulimit -f 4; exec "$0" --input-type=module -e "$1"';
  const output = execFileSync('sh', ['-c', limited, process.execPath, program], { encoding: 'utf8' });
  return { folder, output };
}

test(
  'a file that grows stays complete when the disk is full, and the log tells what is lost',
  WITH_LIMITS,
  (t) => {
    const { folder, output } = runWithSmallDisk(
      t,
      "for (let id = 0; id < 20; id += 1) file.append([JSON.stringify({ id, text: 'x'.repeat(300) })]);",
    );
    const records = JSON.parse(readFileSync(join(folder, 'trace.json'), 'utf8')) as { id: number }[];
    assert.ok(records.length > 3 && records.length < 20);
    assert.deepEqual(
      records.map(({ id }) => id),
      [...records.keys()],
    );
    assert.equal(output.match(/failed to write 1 traces/g)?.length, 20 - records.length);
  },
);

test('a numbered file that does not fit leaves nothing behind, the next one is written', WITH_LIMITS, (t) => {
  const { folder, output } = runWithSmallDisk(
    t,
    "file.writeNumbered([JSON.stringify('x'.repeat(9000))]); file.writeNumbered([JSON.stringify('y')]);",
  );
  assert.deepEqual(readdirSync(folder), ['trace.json.1']);
  assert.match(output, /failed to write 1 traces to '.*trace.json': they are lost/);
});
