import assert from 'node:assert/strict';
import { GrpcClient, HttpClient, InferInput, type InferenceClient } from '@nereid/client';
import { identityModel, makeRepository } from '../server/make-repository.ts';
import { startServer } from '../server/start-server.ts';
import { memoryOf, type Finding } from './finding.ts';

const KIB = 1024;

/** Tensors from a byte to the largest, there and back. The content differs in each place and each size. */
export async function checkSizes(largest: number): Promise<Finding[]> {
  await using repository = makeRepository();
  repository.write('echo', identityModel({ dataType: 'TYPE_UINT8' }));
  await using server = await startServer(repository.path);
  const sizes = [1, KIB, 64 * KIB - 1, 64 * KIB, KIB ** 2 + 1, 16 * KIB ** 2, 256 * KIB ** 2, KIB ** 3];
  const clients = { HTTP: new HttpClient(server.http), gRPC: new GrpcClient(server.grpc) };
  const findings: Finding[] = [];
  try {
    for (const [name, client] of Object.entries(clients)) {
      for (const size of sizes.filter((one) => one <= largest)) {
        const found = `${Math.round(await echo(client, size))} ms, server ${Math.round(memoryOf(server))} MB`;
        findings.push({ what: `${size} bytes there and back, ${name}`, found });
      }
    }
  } finally {
    await Promise.all(Object.values(clients).map((client) => client.close()));
  }
  return findings;
}

async function echo(client: InferenceClient, size: number): Promise<number> {
  const sent = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at += 1) sent[at] = (at * 31 + (at >>> 8) + size) & 0xff;
  const began = performance.now();
  const result = await client.infer('echo', [InferInput.from('INPUT0', sent)]);
  const took = performance.now() - began;
  const { data } = result.outputs.find(({ name }) => name === 'OUTPUT0') ?? assert.fail('no output');
  assert.ok(sent.equals(data), `${size} bytes came back changed`);
  return took;
}
