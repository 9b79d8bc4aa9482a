/** Engines over https, with certificates as a company has them that signs its own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createServer, type TlsOptions } from 'node:tls';
import { createAuthority, whyNoCertificates } from '../../packages/core/test/certificates.ts';
import { chat, generate, generateStream, llmModel } from '../llm/llm-models.ts';
import { startScriptedEngine } from '../llm/scripted-engine.ts';
import { until } from '../llm/until.ts';
import { makeRepository } from '../server/make-repository.ts';
import { startServer } from '../server/start-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'nereid-llm-tls-'));
after(() => rmSync(folder, { recursive: true }));
const OPTIONS = { timeout: 60_000, skip: whyNoCertificates() };

test('an engine is asked over https by who knows whom to trust', OPTIONS, async () => {
  const authority = createAuthority(folder, 'ours');
  const { cert, key } = authority.issue('engine');
  const stranger = createAuthority(folder, 'theirs');
  await using engine = await startScriptedEngine();
  const own = { cert: readFileSync(cert), key: readFileSync(key) };
  await using secure = await startTls(engine.url, own);
  const asksClients = { ...own, requestCert: true, ca: readFileSync(authority.cacert) };
  await using strict = await startTls(engine.url, asksClients);
  const client = authority.issue('client');
  const ca = { engine_ca_file: authority.cacert };
  await using repository = makeRepository();
  const models: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    known: { engine_url: secure.url, ...ca },
    introduced: {
      engine_url: strict.url,
      ...ca,
      engine_certificate_file: client.cert,
      engine_certificate_key_file: client.key,
    },
    unknown: { engine_url: secure.url },
    foreign: { engine_url: secure.url, engine_ca_file: stranger.cacert },
    misnamed: { engine_url: secure.url.replace('127.0.0.1', 'localhost'), ...ca },
    stranger: { engine_url: strict.url, ...ca },
    mixed: {
      engine_url: strict.url,
      engine_certificate_file: client.cert,
      engine_certificate_key_file: key,
    },
  };
  for (const [name, parameters] of Object.entries(models)) repository.write(name, llmModel(parameters));
  await using server = await startServer(
    repository.path,
    '--exit-on-error=false',
    '--strict-readiness=false',
  );

  for (const model of ['known', 'introduced']) {
    assert.equal((await generate(server, model)).status, 200, server.output());
    const events = await generateStream(server, model, { text_input: 'Hello', max_tokens: 200 });
    assert.equal(events.map(({ text_output: text }) => text).join(''), words(200));
    // More than a record of TLS holds, in both directions.
    const { status } = await chat(server, model, 'lorem ipsum '.repeat(50_000));
    assert.equal(status, 200);
  }
  const why: Readonly<Record<string, RegExp>> = {
    unknown: /signed by nobody who is trusted here, .*'engine_ca_file'/,
    foreign: /signed by nobody who is trusted here, .*'engine_ca_file'/,
    misnamed: /its certificate is for other names, .*localhost/,
    stranger: /it wants a certificate of its clients, .*'engine_certificate_file'/,
    mixed: /engine_certificate_key_file '.*' is no key of the certificate/,
  };
  for (const [model, reason] of Object.entries(why)) {
    const line = await until(() => Promise.resolve(logOf(server.output(), model)));
    assert.match(line, reason);
  }
});

/** The line in which the log says what is wrong with a model. */
function logOf(output: string, model: string): string | undefined {
  return output
    .split('\n')
    .find((line) => line.includes(model) && /none of the engines|failed to load/.test(line));
}

function words(count: number): string {
  return Array.from({ length: count }, (_, index) => `word_${index} `).join('');
}

/** TLS in front of an engine. */
async function startTls(
  url: string,
  options: TlsOptions,
): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer({ rejectUnauthorized: true, ...options }, (client) => {
    const engine = connect(Number(new URL(url).port), '127.0.0.1');
    for (const socket of [client, engine]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => [client, engine].forEach((end) => end.destroy()));
    }
    client.pipe(engine).pipe(client);
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
