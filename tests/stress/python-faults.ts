/** Clients of a Python model whose processes are ended at random. */
import { HttpClient, InferenceServerError, InferInput } from '@nereid/client';
import { makeRepository } from '../server/make-repository.ts';
import { IMPORTS, pythonConfig, servePython, stubsOf } from '../server/python-models.ts';
import type { RunningServer } from '../server/start-server.ts';
import { Random } from './random.ts';

export interface PythonFaultsOptions {
  readonly seed: number;
  /** How many processes are ended, one after the other. */
  readonly kills: number;
}

export interface PythonFaultsResult {
  readonly answered: number;
  /** What clients were told in place of an answer. */
  readonly failures: readonly string[];
  /** From each signal until the model was ready again with a new process, in milliseconds. */
  readonly recoveriesMs: readonly number[];
  /** Answers that were somebody else's. */
  readonly crossed: number;
}

const CLIENTS = 16;
const SIGNALS = ['SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGSTOP'] as const;
const ECHO = `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", r.inputs()[0].as_numpy())]) for r in requests]
`;

/** Lets clients loose on two processes, and ends one of these whenever the one before is back. */
export async function runPythonFaults({ seed, kills }: PythonFaultsOptions): Promise<PythonFaultsResult> {
  await using repository = makeRepository();
  repository.write('echo', { 'config.pbtxt': pythonConfig('STRING', '', 2), '1/model.py': ECHO });
  await using server = await servePython(repository, '--backend-config=python,heartbeat-timeout-seconds=2');
  const client = new HttpClient(server.http);
  const random = new Random(seed);
  const failures: string[] = [];
  const recoveriesMs: number[] = [];
  let answered = 0;
  let crossed = 0;
  const work = async (worker: number): Promise<void> => {
    for (let count = 0; recoveriesMs.length < kills; count++) {
      const text = `${worker}-${count} ${'x'.repeat((count * 997) % 20_000)}`;
      try {
        const result = await client.infer('echo', [InferInput.from('IN', [text])]);
        answered++;
        if (result.asStrings('OUT').join() !== text) crossed++;
      } catch (error) {
        failures.push(InferenceServerError.from(error).message);
      }
    }
  };
  const kill = async (): Promise<void> => {
    while (recoveriesMs.length < kills) {
      const answeredBefore = answered;
      const recovery = await endOne(server, random);
      await until(() => answered > answeredBefore);
      recoveriesMs.push(recovery);
    }
  };
  try {
    await Promise.all([kill(), ...Array.from({ length: CLIENTS }, (_, worker) => work(worker))]);
  } finally {
    await client.close();
  }
  return { answered, failures, recoveriesMs, crossed };
}

async function endOne(server: RunningServer, random: Random): Promise<number> {
  const before = stubsOf(server);
  const start = performance.now();
  process.kill(random.pick(before), random.pick(SIGNALS));
  await until(() => stubsOf(server).some((pid) => !before.includes(pid)));
  await until(async () => (await fetch(`${server.http}/v2/models/echo/ready`)).status === 200);
  return performance.now() - start;
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20));
}
