/**
 * `npm run test:stress [-- --seconds 60 --seed N]`: random clients against the real command. Prints the seed, which
 * repeats the choices (not the timing).
 */
import { parseArgs } from 'node:util';
import { runStress } from './stress.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds ?? 60);
const seed = Number(values.seed ?? Date.now() % 1_000_000);

console.log(`seed ${seed}, ${seconds} s`);
const { models, faults } = await runStress({ seed, seconds });
console.table(Object.fromEntries(models));
for (const fault of faults) console.log(`FAULT ${fault}`);
console.log(`${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
