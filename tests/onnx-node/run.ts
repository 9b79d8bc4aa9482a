/**
 * ONNX's own tests of every operator, from the PyPI package onnx, through one running server: half of them over HTTP,
 * half over gRPC.
 *
 *     node tests/onnx-node/run.ts [--update] [name …]
 *
 * expected.json lists the tests that must pass; --update writes it anew, names narrow the run to those tests.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GrpcClient, HttpClient, InferInput, type InferenceClient } from '@nereid/client';
import { InferenceServerError, type Tensor } from '@nereid/protocol';
import { runPython } from '../python/venv.ts';
import { ROOT, startServer } from '../server/start-server.ts';
import { compareTensor } from './compare-tensor.ts';
import { readNodeTests, type DataSet, type NodeTest } from './node-test.ts';

/** `right`, or what kept a test from it, and why. */
interface Outcome {
  readonly name: string;
  readonly kind: 'not representable' | 'load refused' | 'failed' | 'wrong' | 'right';
  readonly reason: string;
}

const HERE = join(ROOT, 'tests/onnx-node');
const EXPECTED = join(HERE, 'expected.json');
const IN_FLIGHT = 8;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-onnx-node-'));
  try {
    const status = await runPython(join(HERE, 'collect.py'), folder);
    if (status !== 0) throw new Error(`collect.py ended with status ${status}`);
    const only = args.filter((arg) => !arg.startsWith('--'));
    const outcomes = await runTests(folder, only);
    printOutcomes(outcomes);
    if (args.includes('--update')) writeExpected(outcomes);
    return judge(outcomes, only);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runTests(folder: string, only: readonly string[]): Promise<readonly Outcome[]> {
  const tests = readNodeTests(folder).filter(({ name }) => only.length === 0 || only.includes(name));
  await using server = await startServer(join(folder, 'models'), '--exit-on-error=false', '--log-info=false');
  const clients: readonly InferenceClient[] = [new HttpClient(server.http), new GrpcClient(server.grpc)];
  try {
    const outcomes: Outcome[] = [];
    const refused = await refusedModels(clients[0]);
    const queue = tests.entries();
    const worker = async (): Promise<void> => {
      for (const [index, test] of queue) {
        outcomes.push(await runTest(clients[index % clients.length], test, refused.get(test.name)));
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    return outcomes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** Models that did not load, with the reason. */
async function refusedModels(client: InferenceClient | undefined): Promise<ReadonlyMap<string, string>> {
  const index = (await client?.repositoryIndex()) ?? [];
  return new Map(
    index.filter(({ state }) => state !== 'READY').map(({ name, reason = '' }) => [name, reason]),
  );
}

async function runTest(
  client: InferenceClient | undefined,
  { name, sets, reason }: NodeTest,
  refusal: string | undefined,
): Promise<Outcome> {
  if (reason !== undefined) return { name, kind: 'not representable', reason };
  if (refusal !== undefined) return { name, kind: 'load refused', reason: refusal };
  try {
    for (const set of sets) {
      const difference = await runSet(client, name, set);
      if (difference !== undefined) return { name, kind: 'wrong', reason: difference };
    }
    return { name, kind: 'right', reason: '' };
  } catch (error) {
    return { name, kind: 'failed', reason: InferenceServerError.from(error).message };
  }
}

async function runSet(
  client: InferenceClient | undefined,
  name: string,
  set: DataSet,
): Promise<string | undefined> {
  const inputs = set.inputs.map((tensor) =>
    InferInput.fromBytes(tensor.name, tensor.datatype, shapeToSend(tensor), tensor.data),
  );
  const result = await client?.infer(name, inputs);
  for (const expected of set.outputs) {
    const found = result?.outputs.find((output) => output.name === expected.name);
    if (found === undefined) return `no output '${expected.name}'`;
    const difference = compareTensor(expected, found);
    if (difference !== undefined) return `output '${expected.name}': ${difference}`;
  }
  return undefined;
}

/** A scalar of a model without a configuration is asked for as one element. */
function shapeToSend({ shape }: Tensor): readonly number[] {
  return shape.length === 0 ? [1] : shape;
}

function printOutcomes(outcomes: readonly Outcome[]): void {
  for (const kind of ['not representable', 'load refused', 'failed', 'wrong', 'right'] as const) {
    const some = outcomes.filter((outcome) => outcome.kind === kind);
    process.stdout.write(`${some.length} ${kind}\n`);
    if (kind === 'right') continue;
    for (const [reason, names] of groupByReason(some)) {
      const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
      process.stdout.write(`  ${names.length} ${reason}: ${names.slice(0, 3).join(', ')}${more}\n`);
    }
  }
}

/** Names by reason, the most frequent first; what is particular to one model is left out of the reason. */
function groupByReason(outcomes: readonly Outcome[]): readonly (readonly [string, readonly string[]])[] {
  const groups = new Map<string, string[]>();
  for (const { name, reason } of outcomes) {
    const general = reason
      .replaceAll(name, '<model>')
      .replaceAll(/'[^']*'/g, "'…'")
      .replaceAll(/\/\S*\//g, '')
      .replaceAll(/\d+/g, 'N')
      .slice(0, 140);
    groups.set(general, [...(groups.get(general) ?? []), name]);
  }
  return [...groups].toSorted(([, a], [, b]) => b.length - a.length);
}

function writeExpected(outcomes: readonly Outcome[]): void {
  const names = outcomes.filter(({ kind }) => kind === 'right').map(({ name }) => name);
  writeFileSync(EXPECTED, `${JSON.stringify(names, null, 2)}\n`);
}

/** Every expected test must be right; those that are right besides are only mentioned. */
function judge(outcomes: readonly Outcome[], only: readonly string[]): number {
  const expected: readonly string[] = JSON.parse(readFileSync(EXPECTED, 'utf8'));
  const right = new Set(outcomes.filter(({ kind }) => kind === 'right').map(({ name }) => name));
  const failed = expected.filter((name) => (only.length === 0 || only.includes(name)) && !right.has(name));
  const unexpected = right.size - expected.filter((name) => right.has(name)).length;
  for (const name of failed) {
    const { kind = 'missing', reason = '' } = outcomes.find((outcome) => outcome.name === name) ?? {};
    process.stdout.write(`FAILED ${name}: ${kind}: ${reason}\n`);
  }
  if (unexpected > 0)
    process.stdout.write(`${unexpected} more are right than expected.json lists: run with --update\n`);
  process.stdout.write(
    `${right.size} passed, ${failed.length} failed, ${outcomes.length - right.size - failed.length} skipped\n`,
  );
  return failed.length > 0 || right.size === 0 ? 1 : 0;
}
