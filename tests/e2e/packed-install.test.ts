import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../server/start-server.ts';

const LIMIT = { timeout: 300_000 };
const NETWORK_ERROR =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|fetch failed/;
const run = promisify(execFile);

/** The Node of these tests comes first, as `npx` takes the `node` of the path. */
const ENVIRONMENT = {
  ...process.env,
  PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
};

const SCRIPT = `
import { createServer } from '@nereid/core';
import { HttpClient, InferInput } from '@nereid/client';
await using server = await createServer({ modelRepository: ['models'], logInfo: false, httpPort: 0, grpcPort: 0, metricsPort: 0 });
const { http } = await server.listen();
const client = new HttpClient('http://127.0.0.1:' + http);
const result = await client.infer('add_sub', ['A', 'B'].map((name) => InferInput.from(name, Float32Array.of(1, 2, 3, 4), [1, 4])));
console.log(result.asNumbers('SUM').join());
await client.close();
`;

test('the packed packages install into an empty folder, and serve there', LIMIT, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-install-'));
  try {
    const problem = await install(folder).then(() => undefined, networkProblem);
    if (problem !== undefined) return context.skip(`the package registry can't be reached: ${problem}`);
    const npx = (...args: readonly string[]) =>
      run('npx', ['--no-install', ...args], { cwd: folder, env: ENVIRONMENT });
    const { stdout } = await npx('nereid', 'backends');
    assert.match(stdout, /onnxruntime +\| @nereid\/backend-onnx .*OK/);
    assert.match(stdout, /identity +\| @nereid\/backend-identity .*OK/);
    await run('cp', ['-r', join(ROOT, 'packages/backend-onnx/test/models/add_sub'), join(folder, 'models')]);
    assert.equal((await run(process.execPath, ['serve.mjs'], { cwd: folder })).stdout, '2,4,6,8\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/**
 * Packs every package that is published, and installs the tarballs with npm. `--pm-on-fail=ignore` keeps pnpm from
 * asking the registry after itself.
 */
async function install(folder: string): Promise<void> {
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const tarballs = join(folder, 'tarballs');
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    const cwd = join(ROOT, 'packages', name);
    if (JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8')).private === true) continue;
    await run(
      'npx',
      ['--yes', packageManager, '--pm-on-fail=ignore', 'pack', `--pack-destination=${tarballs}`],
      { cwd },
    );
  }
  const files = readdirSync(tarballs).map((file) => join(tarballs, file));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  writeFileSync(join(folder, 'serve.mjs'), SCRIPT);
  await run('mkdir', [join(folder, 'models')]);
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...flags, ...files], { cwd: folder, env: ENVIRONMENT });
}

/** What was wrong with the network; anything else is thrown again. */
function networkProblem(error: unknown): string {
  const match = NETWORK_ERROR.exec(
    error instanceof Error ? `${error.message} ${String(Reflect.get(error, 'stderr'))}` : '',
  );
  if (match === null) throw error;
  return match[0];
}
