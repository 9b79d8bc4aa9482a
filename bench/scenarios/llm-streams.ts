import { setTimeout as wait } from 'node:timers/promises';
import { runSseLoadProcess } from '../load/run-sse-load.ts';
import type { SseTarget } from '../load/sse-connection.ts';
import type { PacedResult } from '../load/sse-load.ts';
import { valueFigure } from '../measure/figure.ts';
import { addLanguageModel, directTarget, streamTarget, type LanguageApi } from '../models/language-model.ts';
import { createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { residentMegabytes } from '../process/resident-size.ts';
import { startEngine, type RunningEngine } from '../process/scripted-engine.ts';
import type { BenchContext, Scenario } from './scenario.ts';

const STREAMS = 2000;
const RATE = 20;
const RAMP_SECONDS = 4;
const MAX_GAP_MS = 20;
const MAX_KB = 150;

export const llmStreams: Scenario = {
  name: 'llm-streams',
  question: `Are ${STREAMS} streams of ${RATE} tokens/s as even behind the server as in front of it, and what do they hold?`,
  isInQuick: false,
  run: async (context) => {
    await using engine = await startEngine({ tokensPerSecond: RATE, stampsTokens: true });
    const tokens = RATE * (context.isQuick ? 10 : 30);
    const direct = await paced(directTarget(engine.url, 'OpenAI chat', tokens), tokens);
    reportGaps(context, 'the engine alone', direct);
    for (const api of ['OpenAI chat', 'generate_stream'] as const)
      await measure(context, engine, api, tokens);
  },
};

async function measure(
  context: BenchContext,
  engine: RunningEngine,
  api: LanguageApi,
  tokens: number,
): Promise<void> {
  const repository = createRepository(context.directory);
  addLanguageModel(repository, engine.url, 2 * STREAMS);
  await using nereid = await startNereid(repository);
  // What the first streams load is not theirs.
  await paced(streamTarget(nereid.httpUrl, api, RATE), RATE, 50);
  const before = residentMegabytes(nereid.pid);
  const load = paced(streamTarget(nereid.httpUrl, api, tokens), tokens);
  const most = await largest(load, () => residentMegabytes(nereid.pid));
  reportGaps(context, api, await load, MAX_GAP_MS);
  context.report(
    valueFigure({
      scenario: llmStreams.name,
      name: `Memory of each of ${STREAMS} streams, ${api}`,
      unit: 'KB',
      values: [((most - before) * 1000) / STREAMS],
      goal: MAX_KB,
    }),
  );
}

function paced(target: SseTarget, tokens: number, streams = STREAMS): Promise<PacedResult> {
  const rampSeconds = (RAMP_SECONDS * streams) / STREAMS;
  return runSseLoadProcess({ kind: 'paced', streams, tokens, rampSeconds, ...target });
}

/** The largest value while something runs, looked at once a second. */
async function largest(running: Promise<unknown>, measureNow: () => number): Promise<number> {
  let isOver = false;
  const ended = running.finally(() => {
    isOver = true;
  });
  let most = 0;
  while (!isOver) {
    most = Math.max(most, measureNow());
    await Promise.race([ended, wait(1000)]);
  }
  return most;
}

function reportGaps({ report }: BenchContext, what: string, result: PacedResult, goal?: number): void {
  const figure = (name: string, value: number, limit?: number): void =>
    report(
      valueFigure({
        scenario: llmStreams.name,
        name: `${name}, ${STREAMS} × ${RATE} tokens/s, ${what}`,
        unit: 'ms',
        values: [value],
        ...(limit !== undefined && { goal: limit }),
      }),
    );
  figure('Added gap between tokens, p99', result.addedGap.p99, goal);
  figure('From engine to client, median', result.delay.p50);
  figure('From engine to client, p99', result.delay.p99);
}
