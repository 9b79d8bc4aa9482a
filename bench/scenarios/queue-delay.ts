import { HttpClient } from '@nereid/client';
import { loadOf, type Contender } from '../measure/alternate.ts';
import type { DelayCell } from '../measure/delay-study.ts';
import { spreadOf } from '../measure/spread.ts';
import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addMeasuredOnnx, MLP } from '../models/measured-onnx.ts';
import { createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { formatNumber } from '../report/format.ts';
import { print } from '../report/print.ts';
import { formatConnections, underLoad } from './compare-under-load.ts';
import type { BenchContext, Scenario } from './scenario.ts';

const GRID = { delaysUs: [0, 100, 500, 2000, 10_000], connections: [1, 4, 16, 64] };
const QUICK_GRID = { delaysUs: [0, 500, 5000], connections: [1, 16] };

export const queueDelay: Scenario = {
  name: 'queue-delay',
  question: `How do queue delay and load decide on throughput and latency? ${MLP.title}, batched dynamically, over HTTP.`,
  isInQuick: false,
  run: async (context) => {
    const { loads, isQuick, directory } = context;
    const { delaysUs, connections } = isQuick ? QUICK_GRID : GRID;
    const repository = createRepository(directory);
    for (const delay of delaysUs) addMeasuredOnnx(repository, modelOf(delay), MLP, { queueDelayUs: delay });
    await using nereid = await startNereid(repository);
    const client = new HttpClient(nereid.httpUrl);
    const cells: DelayCell[] = [];
    for (const count of connections) {
      const contenders = delaysUs.map((delay) => {
        const target = httpTarget(nereid.httpUrl, createRequest(modelOf(delay), [1, ...MLP.inputDims]));
        return underLoad(loads, { name: modelOf(delay), target }, count);
      });
      cells.push(...(await measureRow(context, client, { delaysUs, connections: count, contenders })));
    }
    await client.close();
    context.reportDelayStudy({ model: MLP.title, maxBatchSize: MLP.maxBatchSize, cells });
  },
};

function modelOf(delayUs: number): string {
  return `delay_${delayUs}`;
}

/** One number of connections, and a contender for each delay. */
interface Row {
  readonly delaysUs: readonly number[];
  readonly connections: number;
  readonly contenders: readonly Contender[];
}

/** Loads all in turn, round by round, so that what slows the whole machine for a while falls on all delays. */
async function measureRow(
  { rounds: { rounds, seconds, warmUpSeconds } }: BenchContext,
  client: HttpClient,
  { delaysUs, connections, contenders }: Row,
): Promise<DelayCell[]> {
  const before = await Promise.all(delaysUs.map((delay) => countsOf(client, modelOf(delay))));
  for (const contender of contenders) await loadOf(contender, warmUpSeconds);
  const results = delaysUs.map(() => ({ requestsPerSecond: [] as number[], p50Us: [] as number[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      const { requestsPerSecond, p50Us } = await loadOf(contender, seconds);
      results[index]?.requestsPerSecond.push(requestsPerSecond);
      results[index]?.p50Us.push(p50Us);
    }
  }
  const after = await Promise.all(delaysUs.map((delay) => countsOf(client, modelOf(delay))));
  return results.map((result, index) => {
    const inferences = (after[index]?.inferences ?? 0) - (before[index]?.inferences ?? 0);
    const executions = (after[index]?.executions ?? 0) - (before[index]?.executions ?? 0);
    const cell = {
      delayUs: delaysUs[index] ?? 0,
      connections,
      requestsPerSecond: spreadOf(result.requestsPerSecond),
      p50Us: spreadOf(result.p50Us),
      batchSize: inferences / executions,
    };
    print(`  ${formatCell(cell)}`);
    return cell;
  });
}

async function countsOf(
  client: HttpClient,
  model: string,
): Promise<{ readonly inferences: number; readonly executions: number }> {
  const [statistics] = await client.modelStatistics(model);
  return {
    inferences: Number(statistics?.inference_count),
    executions: Number(statistics?.execution_count),
  };
}

function formatCell({ delayUs, connections, requestsPerSecond, p50Us, batchSize }: DelayCell): string {
  return (
    `${formatConnections(connections)}, delay ${delayUs} µs: ${formatNumber(requestsPerSecond.median)}/s, ` +
    `p50 ${formatNumber(p50Us.median)} µs, batches of ${formatNumber(batchSize)}`
  );
}
