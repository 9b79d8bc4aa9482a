import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readEngineTls, type TlsFiles } from './engine-tls.ts';

const folder = mkdtempSync(join(tmpdir(), 'nereid-tls-'));
after(() => rmSync(folder, { recursive: true }));
const wrong = join(folder, 'wrong.pem');
writeFileSync(wrong, 'no certificate');

test("without files there is nothing beside Node's own", async () => {
  assert.equal(await readEngineTls({}), undefined);
});

const ONE_OF_TWO = /expected 'engine_certificate_file' and 'engine_certificate_key_file', found one of them/;

const FAULTS: readonly (readonly [name: string, files: TlsFiles, message: RegExp])[] = [
  ['that is not there', { engine_ca_file: join(folder, 'absent') }, /^engine_ca_file can't be read: ENOENT/],
  [
    'that holds something else',
    { engine_ca_file: wrong },
    /^engine_ca_file '.*': expected a certificate in PEM form/,
  ],
  ['of a certificate without its key', { engine_certificate_file: wrong }, ONE_OF_TWO],
  ['of a key without its certificate', { engine_certificate_key_file: wrong }, ONE_OF_TWO],
];

for (const [name, files, message] of FAULTS) {
  test(`refuses a file ${name}`, async () => {
    await assert.rejects(readEngineTls(files), { code: 'INVALID_ARG', message });
  });
}
