import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startBaseline } from '../process/baseline.ts';
import { startNereid } from '../process/nereid.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { Scenario } from './scenario.ts';

/** One line of the comparison. */
interface Cell {
  readonly name: string;
  readonly encoding: 'binary' | 'json';
  readonly connections: number;
  readonly goal?: number;
  readonly isInQuick: boolean;
}

const BINARY = { name: 'HTTP identity', encoding: 'binary' } as const;
const JSON_BODY = { name: 'HTTP identity in JSON', encoding: 'json' } as const;

const CELLS: readonly Cell[] = [
  { ...BINARY, connections: 1, isInQuick: false },
  { ...BINARY, connections: 16, goal: 0.85, isInQuick: true },
  { ...BINARY, connections: 64, goal: 0.85, isInQuick: true },
  { ...JSON_BODY, connections: 1, isInQuick: false },
  { ...JSON_BODY, connections: 16, isInQuick: true },
  { ...JSON_BODY, connections: 64, isInQuick: false },
];

export const httpIdentity: Scenario = {
  name: 'http-identity',
  question:
    'What does Nereid add to node:http? Identity model, FP32 [16], binary and in JSON, beside a server that echoes the body.',
  isInQuick: true,
  run: async (context) => {
    const { directory, isQuick } = context;
    const repository = createRepository(directory);
    addIdentity(repository);
    await using nereid = await startNereid(repository);
    await using echo = await startBaseline('http-echo');
    const request = createRequest(IDENTITY, [16]);
    for (const { name, encoding, connections, goal } of CELLS.filter((cell) => !isQuick || cell.isInQuick)) {
      await compareUnderLoad(context, {
        scenario: httpIdentity.name,
        name,
        connections,
        base: { name: echo.name, target: httpTarget(echo.httpUrl, request, encoding) },
        subject: { name: 'Nereid', target: httpTarget(nereid.httpUrl, request, encoding) },
        goal,
      });
    }
  },
};
