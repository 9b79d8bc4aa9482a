/** The plugin of docs/user-guide/http-plugins.md, as it stands there, in a server. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { ROOT, runNereid, startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };

const UPPER = {
  'config.pbtxt': `backend: "script"
input [ { name: "TEXT" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "UPPER" data_type: TYPE_STRING dims: [ 1 ] } ]
`,
  '1/model.ts': `
import { defineModel, InferenceServerError } from '@nereid/backend-script';
export default defineModel({
  execute(request) {
    const [text = ''] = request.input('TEXT').toStrings();
    if (text === 'full')
      throw new InferenceServerError('UNAVAILABLE', 'full', { http: { status: 429, retryAfterSeconds: 2 } });
    return { outputs: { UPPER: [text.toUpperCase()] } };
  },
});
`,
};

let repository: TemporaryRepository;
const folder = mkdtempSync(join(tmpdir(), 'nereid-plugins-'));

before(() => {
  repository = makeRepository();
  repository.write('upper', UPPER);
  const plugin = join(folder, 'upper');
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules/@nereid'), join(folder, 'node_modules/@nereid'));
  mkdirSync(plugin);
  const page = readFileSync(join(ROOT, 'docs/user-guide/http-plugins.md'), 'utf8');
  const [, manifest = '', source = ''] = /```json\n(.*?)```.*?```js\n(.*?)```/s.exec(page) ?? [];
  writeFileSync(join(plugin, 'package.json'), manifest);
  writeFileSync(join(plugin, 'index.js'), source);
});

after(async () => {
  rmSync(folder, { recursive: true });
  await repository[Symbol.asyncDispose]();
});

for (const flags of [[], ['--front-threads=1']]) {
  const skip = flags.length > 0 && process.platform !== 'linux' && 'needs ports that threads can share';
  describe(`a plugin of the HTTP endpoint ${flags.join(' ')}`, { ...LIMIT, skip }, () => {
    let server: RunningServer;

    before(async () => {
      server = await startServer(
        repository.path,
        `--backend-directory=${folder}`,
        '--http-plugin-config=upper,model=upper',
        '--http-restricted-api=inference:key=secret',
        ...flags,
      );
    });
    after(() => server[Symbol.asyncDispose]());

    const post = (body: string, headers: Readonly<Record<string, string>> = { key: 'secret' }) =>
      fetch(`${server.http}/upper`, { method: 'POST', body, headers });

    test('answers at its own path, out of a model', async () => {
      assert.equal(await (await post('nereid')).text(), 'NEREID');
    });

    test('needs the key of its group, and takes no other method', async () => {
      assert.equal((await post('nereid', {})).status, 401);
      assert.equal((await fetch(`${server.http}/upper`, { headers: { key: 'secret' } })).status, 405);
    });

    test('stands in the table that the server prints', () => {
      assert.match(server.output(), /\| upper +\| nereid-plugin-upper 1\.0\.0 .*OK/);
    });
  });
}

test('an error of a model has its status and says when to come again', LIMIT, async () => {
  await using server = await startServer(repository.path);
  const answer = await fetch(`${server.http}/v2/models/upper/generate`, {
    method: 'POST',
    body: JSON.stringify({ TEXT: 'full' }),
  });
  assert.equal(answer.status, 429, await answer.text());
  assert.equal(answer.headers.get('retry-after'), '2');
});

test('a setting that a plugin does not have ends the start', LIMIT, async () => {
  const { status, output } = await runNereid(
    'serve',
    `--model-repository=${repository.path}`,
    `--backend-directory=${folder}`,
    '--http-plugin-config=upper,modle=m',
  );
  assert.notEqual(status, 0);
  assert.match(output, /HTTP plugin 'upper' has no setting 'modle' .*: it has model/);
});
