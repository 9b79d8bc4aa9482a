import type { EngineScript } from '../../tests/llm/engine-script.ts';
import { runSseLoadProcess } from '../load/run-sse-load.ts';
import type { SseTarget } from '../load/sse-connection.ts';
import { alternate, type Contender } from '../measure/alternate.ts';
import { addLanguageModel, directTarget, streamTarget } from '../models/language-model.ts';
import { createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { startEngine } from '../process/scripted-engine.ts';
import type { BenchContext, Scenario } from './scenario.ts';

const SLOTS = 64;
/** More than slots: the engine never waits for a request. */
const STREAMS = 96;
const TOKENS = 128;
const GOAL = 0.99;

/** Whether tokens take time, as in any real engine, or come as fast as they are taken. */
interface Cell {
  readonly name: string;
  readonly script: EngineScript;
  readonly goal?: number;
}

const CELLS: readonly Cell[] = [
  {
    name: `an engine of ${SLOTS} × 100 tokens/s`,
    script: { slots: SLOTS, tokensPerSecond: 100 },
    goal: GOAL,
  },
  // Nothing is gained by a goal here: it shows what one serving process can take at all.
  { name: `an engine without a limit, ${SLOTS} slots`, script: { slots: SLOTS } },
];

export const llmSaturation: Scenario = {
  name: 'llm-saturation',
  question: 'How many tokens in a second are left of those of an engine that has all it can do?',
  isInQuick: false,
  run: async (context) => {
    for (const cell of CELLS) await measure(context, cell);
  },
};

async function measure(context: BenchContext, { name, script, goal }: Cell): Promise<void> {
  await using engine = await startEngine(script);
  const repository = createRepository(context.directory);
  addLanguageModel(repository, engine.url, 2 * STREAMS);
  await using nereid = await startNereid(repository);
  const figure = await alternate({
    ...context.rounds,
    // An answer of the slow engine takes a second and more.
    seconds: context.rounds.seconds * 3,
    scenario: llmSaturation.name,
    name: `Tokens/s of ${name}, OpenAI chat`,
    base: contender('engine', directTarget(engine.url, 'OpenAI chat', TOKENS)),
    subject: contender('Nereid', streamTarget(nereid.httpUrl, 'OpenAI chat', TOKENS)),
    ...(goal !== undefined && { goal }),
  });
  context.report(figure);
}

/** Its requests are tokens here. */
function contender(name: string, target: SseTarget): Contender {
  return {
    name,
    load: async (seconds) => {
      const result = await runSseLoadProcess({
        kind: 'closed',
        streams: STREAMS,
        rampSeconds: 0,
        seconds,
        ...target,
      });
      const { tokensPerSecond, firstToken } = result;
      return { requestsPerSecond: tokensPerSecond, p50Us: firstToken.p50 * 1000, errors: 0 };
    },
  };
}
