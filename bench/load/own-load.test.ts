import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startBaseline, type Baseline } from '../process/baseline.ts';
import { findTool } from '../tool/find-tool.ts';
import { createGhz } from './ghz.ts';
import { ownGrpcLoad } from './own-grpc.ts';
import { ownHttpLoad } from './own-http.ts';
import { createWrk } from './wrk.ts';

const SHAPE = { connections: 4, seconds: 0.3 };
const directory = mkdtempSync(join(tmpdir(), 'load-test-'));
after(() => rmSync(directory, { recursive: true }));

describe('HTTP load', () => {
  let echo: Baseline;
  before(async () => {
    echo = await startBaseline('http-echo');
  });
  after(() => echo[Symbol.asyncDispose]());
  const targetOf = (path: string) => ({
    url: `${echo.httpUrl}${path}`,
    headers: { 'Content-Type': 'application/octet-stream' },
    body: Buffer.from('{"a":1}\0\n\xff', 'latin1'),
  });

  test('our own generator counts answers and sees none fail', async () => {
    const result = await ownHttpLoad.run(targetOf('/echo'), SHAPE);
    assert.ok(result.requestsPerSecond > 100, `${result.requestsPerSecond} requests/s`);
    assert.ok(result.p50Us > 0);
    assert.equal(result.errors, 0);
  });

  test('wrk reports the same kind of result', async (context) => {
    const tool = findTool('wrk', 'NEREID_WRK');
    if (tool === undefined) return context.skip('wrk is not installed');
    const wrk = await createWrk(tool, directory);
    const result = await wrk.run(targetOf('/echo'), SHAPE);
    assert.ok(result.requestsPerSecond > 100);
    assert.ok(result.p50Us > 0);
    assert.equal(result.errors, 0);
  });

  test('a server that closes the connection is an error', async () => {
    const target = { ...targetOf('/echo'), headers: { Connection: 'close' } };
    await assert.rejects(ownHttpLoad.run(target, SHAPE), /closed the connection/);
  });
});

describe('gRPC load', () => {
  let echo: Baseline;
  before(async () => {
    echo = await startBaseline('grpc-echo');
  });
  after(() => echo[Symbol.asyncDispose]());
  // model_name: "m"
  const message = Buffer.of(0x0a, 1, 0x6d);
  const targetOf = () => ({ address: echo.grpcAddress, message });

  test('our own generator counts answers and sees none fail', async () => {
    const result = await ownGrpcLoad.run(targetOf(), SHAPE);
    assert.ok(result.requestsPerSecond > 100, `${result.requestsPerSecond} requests/s`);
    assert.equal(result.errors, 0);
  });

  test('ghz reports the same kind of result', async (context) => {
    const tool = findTool('ghz', 'NEREID_GHZ');
    if (tool === undefined) return context.skip('ghz is not installed');
    const ghz = await createGhz(tool, directory);
    const result = await ghz.run(targetOf(), SHAPE);
    assert.ok(result.requestsPerSecond > 100);
    assert.ok(result.p50Us > 0);
    assert.equal(result.errors, 0);
  });
});
