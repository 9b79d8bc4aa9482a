/** Checks the imports of all packages. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { findViolations } from './find-violations.ts';

const ROOT = join(import.meta.dirname, '../..');

const violations = await findViolations(ROOT, globSync('packages/*/src', { cwd: ROOT }));
for (const violation of violations) console.log(violation);
process.exitCode = violations.length === 0 ? 0 : 1;
