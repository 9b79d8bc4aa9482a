/**
 * `npm run test:scale [-- --quick]`: the real command with many connections, many instances, and tensors up to a GiB.
 * Fails where an answer is wrong or missing; what it took is printed.
 */
import { parseArgs } from 'node:util';
import { checkActiveConnections } from './active-connections.ts';
import type { Finding } from './finding.ts';
import { checkIdleConnections } from './idle-connections.ts';
import { checkInstances } from './instances.ts';
import { checkSizes } from './sizes.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const quick = values.quick;
const CHECKS: readonly (() => Promise<Finding[]>)[] = [
  () => checkIdleConnections(quick ? 500 : 9000),
  () => checkActiveConnections(quick ? 100 : 2000, quick ? 5 : 20),
  () => checkInstances(quick ? 8 : 64, quick ? 2 : 20),
  () => checkSizes(quick ? 1 << 24 : 1 << 30),
];

let failed = 0;
for (const check of CHECKS) {
  try {
    for (const { what, found } of await check()) console.log(`${what}: ${found}`);
  } catch (error) {
    failed += 1;
    console.error(error);
  }
}
console.log(`${CHECKS.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
