/** Late modules of the bundle are evaluated by their first use, and not before. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { build } from 'esbuild';
import { lateModules } from '../../tools/late-modules.ts';
import { leanModules } from '../../tools/lean-modules.ts';

const GEN = join(import.meta.dirname, '../../packages/protocol/dist/gen');
const folder = mkdtempSync(join(tmpdir(), 'nereid-late-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What a bundled program writes, as JSON. */
async function run(contents: string): Promise<unknown> {
  const outfile = join(folder, 'program.cjs');
  await build({
    stdin: { contents, resolveDir: GEN },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    plugins: [lateModules, leanModules],
  });
  return JSON.parse(execFileSync(process.execPath, [outfile], { encoding: 'utf8' }));
}

test("a module of Node's", async () => {
  const found = await run(`
    import { hash } from 'node:crypto';
    const isLoaded = () => process.moduleLoadList.includes('NativeModule crypto');
    console.log(JSON.stringify([isLoaded(), hash('sha1', 'a'), isLoaded()]));`);
  assert.deepEqual(found, [false, '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8', true]);
});

test('a module of descriptors', async () => {
  const found = await run(`
    import { ModelConfigSchema } from './model_config_pb.js';
    let made = 0;
    const { push } = Array.prototype;
    Array.prototype.push = function (...values) {
      made += values.filter((value) => value?.kind === 'message').length;
      return push.apply(this, values);
    };
    const before = made;
    const name = ModelConfigSchema.typeName;
    console.log(JSON.stringify([before, name, made > 0]));`);
  assert.deepEqual(found, [0, 'inference.ModelConfig', true]);
});
