import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from '@nereid/core';
import { addedLatency } from '../measure/added-latency.ts';
import { valueFigure } from '../measure/figure.ts';
import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { addPythonModel, findPython, interpreterFlag, PYTHON_MODELS } from '../models/python-models.ts';
import { startNereid } from '../process/nereid.ts';
import { residentMegabytes } from '../process/resident-size.ts';
import { underLoad } from './compare-under-load.ts';
import type { BenchContext, Scenario } from './scenario.ts';

const RESPONSES = 20_000;

export const python: Scenario = {
  name: 'python',
  question:
    'What does the way to the process of a Python model and back cost? Beside the identity model, FP32 [16], over HTTP.',
  isInQuick: false,
  run: async (context) => {
    const interpreter = findPython();
    if (interpreter === undefined) {
      context.note('no Python with numpy (python3, or NEREID_PYTHON): Python models were not measured.');
      return;
    }
    await measureLatency(context, interpreter);
    await measureStream(context, interpreter);
    await measureStart(context, interpreter);
  },
};

async function measureLatency(context: BenchContext, interpreter: string): Promise<void> {
  const { loads, rounds, directory, report } = context;
  const repository = createRepository(directory);
  addIdentity(repository);
  addPythonModel(repository, 'identity');
  addPythonModel(repository, 'caller');
  await using nereid = await startNereid(repository, [interpreterFlag(interpreter)]);
  const contender = (name: string) =>
    underLoad(loads, { name, target: httpTarget(nereid.httpUrl, createRequest(name, [16])) }, 1);
  const [inProcess, identity] = [contender(IDENTITY), contender(PYTHON_MODELS.identity)];
  for (const [name, base, subject, goal] of [
    ['Python model, added to the in-process one', inProcess, identity, 50],
    ['BLS call of an in-process model, added', identity, contender(PYTHON_MODELS.caller), 150],
  ] as const) {
    report(await addedLatency({ ...rounds, scenario: python.name, name, base, subject, goal }));
  }
}

/** Without a network: what a client takes is not the question. */
async function measureStream(context: BenchContext, interpreter: string): Promise<void> {
  const { rounds, directory, report } = context;
  const repository = createRepository(directory);
  addPythonModel(repository, 'stream');
  const server = await createServer({
    modelRepository: [repository],
    backendConfig: { python: { interpreter } },
    logInfo: false,
  });
  try {
    const data = new Uint8Array(Float32Array.of(RESPONSES).buffer);
    const inputs = [{ name: 'X', datatype: 'FP32', shape: [1], data }] as const;
    const values: number[] = [];
    for (let round = 0; round < rounds.rounds; round += 1) {
      const began = performance.now();
      let count = 0;
      for await (const _ of server.inferStream({ modelName: PYTHON_MODELS.stream, inputs })) count += 1;
      if (count < RESPONSES) throw new Error(`${count} responses, expected ${RESPONSES}`);
      values.push(((performance.now() - began) * 1000) / count);
    }
    const name = 'Decoupled Python model, one response of a stream';
    report(valueFigure({ scenario: python.name, name, unit: 'µs', values, goal: 20 }));
  } finally {
    await server.close();
  }
}

async function measureStart(
  { isQuick, directory, report }: BenchContext,
  interpreter: string,
): Promise<void> {
  const scenario = python.name;
  const repository = createRepository(directory);
  addPythonModel(repository, 'identity');
  const times: number[] = [];
  const sizes: number[] = [];
  for (let run = 0; run < (isQuick ? 3 : 10); run += 1) {
    await using nereid = await startNereid(repository, [interpreterFlag(interpreter)]);
    times.push(nereid.readyMs);
    sizes.push(...childrenOf(nereid.pid).map(residentMegabytes));
  }
  const name = 'Start to ready, one Python model';
  report(valueFigure({ scenario, name, unit: 'ms', values: times, goal: 300 }));
  report(
    valueFigure({ scenario, name: 'Process of a Python model, idle', unit: 'MB', values: sizes, goal: 40 }),
  );
}

/** The processes that a process has started; Linux tells. */
function childrenOf(pid: number): number[] {
  if (process.platform !== 'linux') return [];
  const text = readdirSync(`/proc/${pid}/task`).map((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'),
  );
  return text.join(' ').split(' ').filter(Boolean).map(Number);
}
