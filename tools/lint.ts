/** `npm run lint`: every rule that a machine can check. The last line is `N passed, N failed`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

interface Check {
  readonly name: string;
  /** Program of Node, relative to the root, and its arguments. */
  readonly command: readonly string[];
}

const ROOT = join(import.meta.dirname, '..');

const CHECKS: readonly Check[] = [
  {
    name: 'rules (.oxlintrc.json)',
    command: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--format=unix'],
  },
  {
    name: 'imports (tools/dependency-rules)',
    command: ['tools/dependency-rules/check.ts'],
  },
  {
    name: 'types of tests and tools (tools/tsconfig.json)',
    command: ['node_modules/typescript/bin/tsc', '-p', 'tools/tsconfig.json'],
  },
  {
    name: 'generated code (packages/protocol/scripts)',
    command: ['--test', '--test-reporter=dot', 'packages/protocol/scripts/generate.test.ts'],
  },
  {
    name: 'docs/reference (tools/generate-reference.ts)',
    command: ['tools/generate-reference.ts', '--check'],
  },
  {
    name: 'format (npm run format)',
    command: ['node_modules/prettier/bin/prettier.cjs', '--check', '--cache', '.'],
  },
];

const failed = CHECKS.filter((check) => !passes(check)).length;
console.log(`${CHECKS.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function passes({ name, command }: Check): boolean {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' });
  console.log(`${status === 0 ? '✔' : '✖'} ${name}`);
  if (status !== 0) console.log(`${stdout}${stderr}`);
  return status === 0;
}
