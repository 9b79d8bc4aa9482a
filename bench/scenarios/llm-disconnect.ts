import { runSseLoadProcess } from '../load/run-sse-load.ts';
import { valueFigure } from '../measure/figure.ts';
import { addLanguageModel, streamTarget, type LanguageApi } from '../models/language-model.ts';
import { createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { startEngine } from '../process/scripted-engine.ts';
import type { BenchContext, Scenario } from './scenario.ts';

const GOAL_MS = 100;
/** Far longer than the measurement: only a client that goes ends a stream. */
const TOKENS = 100_000;

export const llmDisconnect: Scenario = {
  name: 'llm-disconnect',
  question: 'How long does an engine go on for a client that has gone?',
  isInQuick: false,
  run: async (context) => {
    for (const api of ['OpenAI chat', 'generate_stream'] as const) await measure(context, api);
  },
};

async function measure({ directory, isQuick, report }: BenchContext, api: LanguageApi): Promise<void> {
  await using engine = await startEngine({ tokensPerSecond: 100 });
  const repository = createRepository(directory);
  addLanguageModel(repository, engine.url, 256);
  await using nereid = await startNereid(repository);
  const target = streamTarget(nereid.httpUrl, api, TOKENS);
  const { leftAtNs } = await runSseLoadProcess({ kind: 'leaving', times: isQuick ? 10 : 50, ...target });
  const { abortedAtNs } = await engine.report();
  if (abortedAtNs.length !== leftAtNs.length)
    throw new Error(`${leftAtNs.length} clients left, the engine saw ${abortedAtNs.length} of them go`);
  const values = leftAtNs.map((left, index) => Number(BigInt(abortedAtNs[index] ?? 0) - BigInt(left)) / 1e6);
  report(
    valueFigure({
      scenario: llmDisconnect.name,
      name: `Until the engine's slot is free, ${api}, longest of ${values.length}`,
      unit: 'ms',
      values: [Math.max(...values)],
      goal: GOAL_MS,
    }),
  );
}
