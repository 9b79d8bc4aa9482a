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

/** What is asked for, and what smaller machines can be seen to manage. */
const STREAMS = [500, 1000, 2000] as const;
const WANTED = 2000;
const RATE = 20;
/** Streams that begin in a second. */
const STARTS = 500;
/** What the others are held against: engine, system and load generator by themselves. */
const ENGINE_ALONE = 'the engine alone';
const MAX_GAP_MS = 20;
const MAX_KB = 150;

export const llmStreams: Scenario = {
  name: 'llm-streams',
  question: `Are ${WANTED} streams of ${RATE} tokens/s as even behind the server as in front of it, and what do they hold?`,
  isInQuick: false,
  run: async (context) => {
    await using engine = await startEngine({ tokensPerSecond: RATE, stampsTokens: true });
    const tokens = RATE * (context.isQuick ? 10 : 30);
    for (const streams of STREAMS) {
      const cell = { streams, tokens };
      const direct = await paced(directTarget(engine.url, 'OpenAI chat', tokens), cell);
      reportGaps(context, cell, ENGINE_ALONE, direct);
      for (const api of ['OpenAI chat', 'generate_stream'] as const)
        await measure(context, engine, api, cell);
    }
  },
};

interface Cell {
  readonly streams: number;
  /** Of each. */
  readonly tokens: number;
}

async function measure(
  context: BenchContext,
  engine: RunningEngine,
  api: LanguageApi,
  cell: Cell,
): Promise<void> {
  const { streams, tokens } = cell;
  const repository = createRepository(context.directory);
  addLanguageModel(repository, engine.url, 2 * streams);
  await using nereid = await startNereid(repository);
  // What the first streams load is not theirs.
  await paced(streamTarget(nereid.httpUrl, api, RATE), { streams: 50, tokens: RATE });
  const before = residentMegabytes(nereid.pid);
  const load = paced(streamTarget(nereid.httpUrl, api, tokens), cell);
  const most = await largest(load, () => residentMegabytes(nereid.pid));
  reportGaps(context, cell, api, await load);
  context.report(
    valueFigure({
      scenario: llmStreams.name,
      name: `Memory of each of ${streams} streams, ${api}`,
      unit: 'KB',
      values: [((most - before) * 1000) / streams],
      ...(streams === WANTED && { goal: MAX_KB }),
    }),
  );
}

function paced(target: SseTarget, { streams, tokens }: Cell): Promise<PacedResult> {
  const rampSeconds = streams / STARTS;
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

function reportGaps({ report }: BenchContext, { streams }: Cell, what: string, result: PacedResult): void {
  const isWanted = streams === WANTED && what !== ENGINE_ALONE;
  const figure = (name: string, value: number, goal?: number): void =>
    report(
      valueFigure({
        scenario: llmStreams.name,
        name: `${name}, ${streams} × ${RATE} tokens/s, ${what}`,
        unit: 'ms',
        values: [value],
        ...(goal !== undefined && { goal }),
      }),
    );
  figure('Added gap between tokens, p99', result.addedGap.p99, isWanted ? MAX_GAP_MS : undefined);
  figure('From engine to client, median', result.delay.p50);
  figure('From engine to client, p99', result.delay.p99);
}
