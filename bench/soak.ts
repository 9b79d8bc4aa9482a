/**
 * Whether memory stays flat: `npm run bench:soak [-- --minutes=60] [-- --rate=300] [-- --seed=N] [-- --output=folder]
 * [-- --triton[=folder]]`. Writes memory.md, memory.svg and memory.json; its exit status is 1 when an answer was wrong.
 */
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine } from './measure/machine.ts';
import { findPython } from './models/python-models.ts';
import { growthOf, writeMemoryPage, type MemoryResults } from './report/memory-page.ts';
import { print } from './report/print.ts';
import { measureIdle } from './soak/idle-memory.ts';
import { runSoak, type MemorySample } from './soak/run-soak.ts';
import { setUpTriton } from './tool/set-up-triton.ts';
import { runWithDirectory } from './with-directory.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

async function main(directory: string): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2).map((arg) => (arg === '--triton' ? '--triton=' : arg)),
    options: {
      minutes: { type: 'string', default: '60' },
      rate: { type: 'string', default: '300' },
      seed: { type: 'string', default: '1' },
      output: { type: 'string' },
      only: { type: 'string' },
      triton: { type: 'string' },
    },
  });
  const output = values.output ?? join(ROOT, values.only === undefined ? 'docs' : 'tmp', 'benchmarks');
  const [minutes, rate, seed] = [
    positive('minutes', values.minutes),
    positive('rate', values.rate),
    positive('seed', values.seed),
  ];
  const machine = describeMachine();
  const environment = values.triton === '' ? setUpTriton() : values.triton;
  const interpreter = findPython();
  if (interpreter === undefined) throw new Error('no Python with numpy: name one in NEREID_PYTHON');
  const idle = await measureIdle({ directory, interpreter, environment });
  const soak = await runSoak({ minutes, rate, seed, interpreter, only: values.only, onSample: printSample });
  const results: MemoryResults = {
    date: new Date().toISOString(),
    machine,
    notes: [],
    minutes,
    rate,
    idle,
    ...soak,
  };
  writeMemoryPage(output, results);
  print(`${growthOf(results).toFixed(1)} MB an hour, ${soak.faults.length} faults`);
  for (const fault of soak.faults) print(`FAULT ${fault}`);
  print(`Written to ${relative(ROOT, output)}.`);
  if (soak.faults.length > 0) process.exitCode = 1;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`--${name}: expected a number above 0, found '${text}'`);
}

function printSample({ seconds, server, children }: MemorySample): void {
  print(`${seconds.toFixed(0)} s: server ${server.toFixed(1)} MB, children ${children.toFixed(1)} MB`);
}

await runWithDirectory(main);
