/**
 * `npm run test:stress [-- --seconds 60 --seed N]`: random clients against the real command. Prints the seed, which
 * repeats the choices (not the timing).
 */
import { parseArgs } from 'node:util';
import { runPythonFaults } from './python-faults.ts';
import { runStress } from './stress.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds ?? 60);
const seed = Number(values.seed ?? Date.now() % 1_000_000);

console.log(`seed ${seed}, ${seconds} s`);
const { models, faults } = await runStress({ seed, seconds });
console.table(Object.fromEntries(models));
for (const fault of faults) console.log(`FAULT ${fault}`);
console.log(`${faults.length} faults`);

// Each comes back within two seconds or so, after a stop within five.
const kills = Math.ceil(seconds / 4);
const { answered, failures, recoveriesMs, crossed } = await runPythonFaults({ seed, kills });
const slowest = Math.round(Math.max(...recoveriesMs));
console.log(
  `Python: ${kills} processes ended, ${answered} answered, ${crossed} crossed, ${failures.length} failed; back within ${slowest} ms`,
);
process.exitCode = faults.length === 0 && crossed === 0 && failures.length <= kills ? 0 : 1;
