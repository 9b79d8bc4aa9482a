import assert from 'node:assert/strict';
import { GrpcClient, HttpClient, InferInput, type InferenceClient } from '@nereid/client';
import { identityModel, makeRepository } from '../server/make-repository.ts';
import { startServer } from '../server/start-server.ts';
import { describeTimes, memoryOf, type Finding } from './finding.ts';

/** Connections that all ask at the same time, over HTTP and over gRPC: each answer must be its own. */
export async function checkActiveConnections(count: number, rounds: number): Promise<Finding[]> {
  await using repository = makeRepository();
  repository.write('echo', identityModel());
  await using server = await startServer(repository.path);
  const findings: Finding[] = [];
  const kinds = { HTTP: () => new HttpClient(server.http), gRPC: () => new GrpcClient(server.grpc) };
  for (const [name, create] of Object.entries<() => InferenceClient>(kinds)) {
    const clients = Array.from({ length: count }, create);
    const began = performance.now();
    const times = (await Promise.all(clients.map((client, own) => askAll(client, own, rounds)))).flat();
    const perSecond = (times.length * 1000) / (performance.now() - began);
    assert.equal(times.length, count * rounds);
    const found = `${Math.round(perSecond)} requests/s, ${describeTimes(times)}, server ${Math.round(memoryOf(server))} MB`;
    findings.push({ what: `${count} active connections, ${name}`, found });
    await Promise.all(clients.map((client) => client.close()));
  }
  return findings;
}

async function askAll(client: InferenceClient, own: number, rounds: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const values = Int32Array.of(own, round, own ^ round);
    const began = performance.now();
    const result = await client.infer('echo', [InferInput.from('INPUT0', values)]);
    times.push(performance.now() - began);
    assert.deepEqual(result.output('OUTPUT0', 'INT32'), values);
  }
  return times;
}
