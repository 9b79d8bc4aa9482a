import assert from 'node:assert/strict';
import { HttpClient, InferInput } from '@nereid/client';
import { makeRepository } from '../server/make-repository.ts';
import { startServer } from '../server/start-server.ts';
import { memoryOf, type Finding } from './finding.ts';

const CLIENTS = 256;

/** Many instances of one ONNX model, and more clients than instances. */
export async function checkInstances(count: number, rounds: number): Promise<Finding[]> {
  await using repository = makeRepository();
  const group = `instance_group [{ count: ${count} kind: KIND_CPU }]`;
  repository.addOnnx('add_sub', 'add_sub', { 'config.pbtxt': `backend: "onnxruntime"\n${group}\n` });
  const began = performance.now();
  await using server = await startServer(repository.path);
  const startMs = performance.now() - began;
  const client = new HttpClient(server.http);
  try {
    const work = async (own: number): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) {
        const [a, b] = [new Float32Array(4).fill(own), new Float32Array(4).fill(round)];
        const inputs = [InferInput.from('A', a, [1, 4]), InferInput.from('B', b, [1, 4])];
        const result = await client.infer('add_sub', inputs);
        assert.deepEqual(result.output('SUM', 'FP32'), new Float32Array(4).fill(own + round));
        assert.deepEqual(result.output('DIFFERENCE', 'FP32'), new Float32Array(4).fill(own - round));
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, (_, own) => work(own)));
  } finally {
    await client.close();
  }
  const found = `started in ${Math.round(startMs)} ms, ${CLIENTS * rounds} answers, server ${Math.round(memoryOf(server))} MB`;
  return [{ what: `${count} instances of an ONNX model`, found }];
}
