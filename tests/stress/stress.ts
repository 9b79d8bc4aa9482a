/** Clients that ask, cancel, leave, overload and reload at random, and the books at the end. */
import { GrpcClient, HttpClient } from '@nereid/client';
import {
  identityModel,
  makeRepository,
  sequenceModel,
  type TemporaryRepository,
} from '../server/make-repository.ts';
import { repeatModel } from '../server/script-models.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';
import { RARE_ACTIONS, STEADY_ACTIONS, type Actor } from './actions.ts';
import { Ledger } from './ledger.ts';
import { Random } from './random.ts';

export interface StressOptions {
  readonly seed: number;
  readonly seconds: number;
}

const WORKERS = 16;
const ACTIONS = [...STEADY_ACTIONS, ...RARE_ACTIONS];
/** The actions load models while the server runs. */
export const STRESS_FLAGS = ['--model-control-mode=explicit', '--load-model=*'] as const;

const ECHO = { dims: [1], maxBatchSize: 8 };
const SMALL_QUEUE = `
dynamic_batching { default_queue_policy { max_queue_size: 8 default_timeout_microseconds: 20000 } }
`;

const CHAIN = `
platform: "ensemble"
max_batch_size: 8
input [{ name: "INPUT0" data_type: TYPE_INT32 dims: [1] }]
output [{ name: "OUTPUT0" data_type: TYPE_INT32 dims: [1] }]
ensemble_scheduling { step [
  { model_name: "echo" model_version: -1
    input_map { key: "INPUT0" value: "INPUT0" } output_map { key: "OUTPUT0" value: "BETWEEN" } },
  { model_name: "ordered" model_version: -1
    input_map { key: "INPUT0" value: "BETWEEN" } output_map { key: "OUTPUT0" value: "OUTPUT0" } }
] }
`;

/**
 * Starts a server, lets the clients loose for a while, and looks at what it counted.
 *
 * @returns What became of the requests; its `faults` are empty when all is well.
 */
export async function runStress({ seed, seconds }: StressOptions): Promise<Ledger> {
  await using repository = makeRepository();
  addStressModels(repository);
  await using server = await startServer(repository.path, ...STRESS_FLAGS);
  const ledger = new Ledger();
  const http = new HttpClient(server.http);
  const grpc = new GrpcClient(server.grpc);
  const httpPort = Number(new URL(server.http).port);
  const until = performance.now() + seconds * 1000;
  const work = async (worker: number): Promise<void> => {
    const random = new Random(seed * WORKERS + worker);
    const actor: Actor = { http, grpc, httpPort, grpcAddress: server.grpc, random, ledger };
    while (performance.now() < until) await random.pick(ACTIONS)(actor);
  };
  try {
    await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
    await untilQuiet(server);
    await checkStatistics(http, ledger);
  } finally {
    await http.close();
    await grpc.close();
  }
  return ledger;
}

/** The models that the actions ask. */
export function addStressModels(repository: TemporaryRepository): void {
  repository.write('echo', identityModel({ ...ECHO, more: 'dynamic_batching { }' }));
  repository.write(
    'ordered',
    identityModel({ ...ECHO, delayMs: 1, more: 'dynamic_batching { preserve_ordering: true }' }),
  );
  repository.write('small', identityModel({ dims: [1], maxBatchSize: 1, delayMs: 3, more: SMALL_QUEUE }));
  repository.write('reloaded', identityModel({ ...ECHO, delayMs: 1 }));
  repository.write('repeat', repeatModel());
  repository.write('chain', { 'config.pbtxt': CHAIN, '1/.keep': '' });
  const batching = 'direct { } max_sequence_idle_microseconds: 60000000';
  repository.addOnnx('sum', 'sequence_sum', { 'config.pbtxt': sequenceModel({ batching }) });
}

/** Waits until no request waits or runs any more: what was left comes to its end, too. */
async function untilQuiet({ metrics }: RunningServer): Promise<void> {
  for (let before = ''; ;) {
    const text = await (await fetch(`${metrics}/metrics`)).text();
    const pending = text.match(/^nv_inference_pending_request_count\{.*\} [1-9]/m);
    const counts = text.match(/^nv_inference_(request|exec).*$/gm)?.join('\n') ?? '';
    if (pending === null && counts === before) return;
    before = counts;
    // Longer than any model of the mix takes.
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Every answer was counted, and nothing that nobody asked for. */
async function checkStatistics(http: HttpClient, { models, faults }: Ledger): Promise<void> {
  for (const [model, { asked, answered, left }] of models) {
    // A reload begins to count anew; steps of the ensemble are requests to their models, too.
    if (model === 'reloaded') continue;
    const chained = model === 'echo' || model === 'ordered' ? (models.get('chain')?.asked ?? 0) : 0;
    const [statistics] = await http.modelStatistics(model);
    if (statistics === undefined) throw new Error(`no statistics of ${model}`);
    const { success, fail } = statistics.inference_stats;
    const sums = `${success.count} successes, ${fail.count} failures; asked ${asked}, answered ${answered}, left ${left}`;
    // A response of `repeat` may be answered to its client, who left after it, and end as cancelled.
    const least = model === 'repeat' ? 0 : answered;
    if (success.count < least || success.count + fail.count > asked + chained) {
      faults.push(`${model}: the statistics don't add up: ${sums}`);
    }
  }
}
