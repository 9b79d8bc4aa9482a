import { runSseLoadProcess } from '../load/run-sse-load.ts';
import type { SseTarget } from '../load/sse-connection.ts';
import type { ClosedResult } from '../load/sse-load.ts';
import { valueFigure } from '../measure/figure.ts';
import type { Quantiles } from '../measure/quantiles.ts';
import { addLanguageModel, directTarget, streamTarget, type LanguageApi } from '../models/language-model.ts';
import { createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { startEngine } from '../process/scripted-engine.ts';
import type { BenchContext, Scenario } from './scenario.ts';

/** Longer answers where there are more streams: what begins in a second stays in the hundreds, as with real engines. */
const CELLS: readonly { readonly streams: number; readonly tokens: number }[] = [
  { streams: 1, tokens: 2 },
  { streams: 16, tokens: 16 },
  { streams: 64, tokens: 32 },
];
const APIS: readonly LanguageApi[] = ['OpenAI chat', 'generate_stream'];
/** The first token comes at once: later ones wait for the ticks of the engine's clock, which are longer than what is measured. */
const SCRIPT = { tokensPerSecond: 100 };
/** Of an answer, between two of a stream. */
const REST_SHARE = 0.25;

/** What is looked at of the times, and what is wanted of it, in milliseconds. */
const GOALS = { p50: 1, p99: 3 } as const satisfies Partial<Quantiles>;
const NAMES: Readonly<Record<keyof typeof GOALS, string>> = { p50: 'median', p99: 'p99' };

export const llmFirstToken: Scenario = {
  name: 'llm-first-token',
  question: 'How much later comes the first token of a stream than from the engine itself?',
  isInQuick: false,
  run: async (context) => {
    await using engine = await startEngine(SCRIPT);
    const repository = createRepository(context.directory);
    addLanguageModel(repository, engine.url, 256);
    await using nereid = await startNereid(repository);
    for (const api of APIS) {
      for (const { streams, tokens } of CELLS) {
        const sides = {
          direct: directTarget(engine.url, api, tokens),
          through: streamTarget(nereid.httpUrl, api, tokens),
        };
        // As long as an answer takes: then they stay spread.
        const rampSeconds = tokens / SCRIPT.tokensPerSecond;
        await compare(context, { name: `${api}, ${streams} streams`, streams, rampSeconds, ...sides });
      }
    }
  },
};

interface Comparison {
  readonly name: string;
  readonly streams: number;
  readonly rampSeconds: number;
  readonly direct: SseTarget;
  readonly through: SseTarget;
}

async function compare(
  context: BenchContext,
  { name, streams, rampSeconds, direct, through }: Comparison,
): Promise<void> {
  const { rounds, seconds, warmUpSeconds } = context.rounds;
  const load = (target: SseTarget, duration: number): Promise<ClosedResult> =>
    runSseLoadProcess({
      kind: 'closed',
      streams,
      rampSeconds,
      restSeconds: rampSeconds * REST_SHARE,
      seconds: duration,
      ...target,
    });
  await load(through, warmUpSeconds);
  const added: Quantiles[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = (await load(direct, seconds)).firstToken;
    const after = (await load(through, seconds)).firstToken;
    added.push({ ...after, p50: after.p50 - before.p50, p99: after.p99 - before.p99 });
  }
  for (const quantile of ['p50', 'p99'] as const) {
    context.report(
      valueFigure({
        scenario: llmFirstToken.name,
        name: `Added time to first token, ${name}, ${NAMES[quantile]}`,
        unit: 'ms',
        values: added.map((one) => one[quantile]),
        goal: GOALS[quantile],
      }),
    );
  }
}
