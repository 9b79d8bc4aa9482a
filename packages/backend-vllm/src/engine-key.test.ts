import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { EngineKey } from './engine-key.ts';

test('a key shows itself to nobody but the engine', async () => {
  const key = await EngineKey.read({ secret: 'sesame' });
  assert.deepEqual(key.headers, { authorization: 'Bearer sesame' });
  const shown = [String(key), JSON.stringify({ key }), inspect({ key }), format('%s %o %j', key, key, key)];
  for (const text of shown) {
    assert.doesNotMatch(text, /sesame/);
    assert.match(text, /\*\*\*/);
  }
});

test('a key file may be replaced, and its last key stays when it is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-key-'));
  const file = join(folder, 'key');
  writeFileSync(file, 'first\n');
  const key = await EngineKey.read({ file });
  writeFileSync(file, 'second\n');
  await key.refresh();
  assert.equal(key.headers['authorization'], 'Bearer second');
  rmSync(folder, { recursive: true });
  await assert.rejects(key.refresh(), {
    message: /^engine_key_file '.*' gives no key for the engine: ENOENT/,
  });
  assert.equal(key.headers['authorization'], 'Bearer second');
});

test('a key of several lines is refused without being told: it can be no header', async () => {
  for (const secret of ['one\ntwo', 'köy ', 'a b']) {
    await assert.rejects(EngineKey.read({ secret }), (error: Error) => {
      assert.match(
        error.message,
        /gives no key for the engine: it must be one word of visible ASCII characters$/,
      );
      assert.ok(!error.message.includes(secret.trim()));
      return true;
    });
  }
});

test('an environment variable without a key is refused by its name', async () => {
  await assert.rejects(EngineKey.read({ variable: 'NEREID_NO_SUCH_KEY' }), {
    code: 'INVALID_ARG',
    message:
      "environment variable 'NEREID_NO_SUCH_KEY' (engine_key_env) gives no key for the engine: it is empty",
  });
});
