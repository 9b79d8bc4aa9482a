import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { InferInput, type HttpClient, type InferResult } from '@nereid/client';
import type { Datatype } from '@nereid/protocol';

/** A tensor in the layout of the wire. */
interface CaseTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly base64: string;
}

/** A request, and what the framework that made the model answers to it. */
export interface Case {
  readonly model: string;
  readonly inputs: readonly CaseTensor[];
  readonly outputs: readonly CaseTensor[];
}

/** Differences between a batch and single rows, relative to the size of the values. */
const TOLERANCE = 1e-4;

/** The cases that cases.py has written. */
export function readCases(file: string): readonly Case[] {
  return JSON.parse(readFileSync(file, 'utf8')) as readonly Case[];
}

/** Asks the server what the case asks, and compares. */
export async function assertAnswered(client: HttpClient, { model, inputs, outputs }: Case): Promise<void> {
  const result = await client.infer(
    model,
    inputs.map(({ name, datatype, shape, base64 }) =>
      InferInput.fromBytes(name, datatype, shape, Buffer.from(base64, 'base64')),
    ),
  );
  for (const output of outputs) assertOutput(result, output, `${model}, output ${output.name}`);
}

function assertOutput(result: InferResult, expected: CaseTensor, what: string): void {
  const found = result.tensor(expected.name);
  assert.deepEqual([found.datatype, found.shape], [expected.datatype, expected.shape], what);
  const bytes = Buffer.from(expected.base64, 'base64');
  if (expected.datatype !== 'FP32') {
    assert.deepEqual(Buffer.from(found.data ?? []), bytes, what);
    return;
  }
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const answered = result.output(expected.name, 'FP32');
  for (const [index, value] of values.entries()) {
    const difference = Math.abs(value - (answered[index] ?? Number.NaN));
    assert.ok(
      difference <= TOLERANCE * Math.max(1, Math.abs(value)),
      `${what}: element ${index} is ${answered[index]}, expected ${value}`,
    );
  }
}
