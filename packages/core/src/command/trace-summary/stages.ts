/** The stages of a request between the moments that its trace notes. */
import type { Trace } from './read-traces.ts';

/** A stage, by the moments it lies between. The first pair that is there counts. */
interface StageRule {
  readonly name: string;
  readonly between: readonly (readonly [start: string, end: string])[];
}

/** What a request as a whole is: with its way through the front end, where it had one. */
const WHOLE: StageRule = {
  name: 'request',
  between: [
    ['HTTP_RECV_START', 'HTTP_SEND_END'],
    ['GRPC_WAITREAD_START', 'GRPC_SEND_END'],
    ['REQUEST_START', 'REQUEST_END'],
  ],
};

/** The stages that follow each other. */
const STAGES: readonly StageRule[] = [
  {
    name: 'receive',
    between: [
      ['HTTP_RECV_START', 'HTTP_RECV_END'],
      ['GRPC_WAITREAD_START', 'GRPC_WAITREAD_END'],
    ],
  },
  { name: 'queue', between: [['QUEUE_START', 'COMPUTE_START']] },
  { name: 'compute input', between: [['COMPUTE_START', 'COMPUTE_INPUT_END']] },
  { name: 'compute infer', between: [['COMPUTE_INPUT_END', 'COMPUTE_OUTPUT_START']] },
  { name: 'compute output', between: [['COMPUTE_OUTPUT_START', 'COMPUTE_END']] },
  {
    name: 'send',
    between: [
      ['HTTP_SEND_START', 'HTTP_SEND_END'],
      ['GRPC_SEND_START', 'GRPC_SEND_END'],
    ],
  },
];

/** Names of the stages that follow each other. */
export const STAGE_NAMES: readonly string[] = STAGES.map(({ name }) => name);

/** A stage of one request, in nanoseconds. */
export interface Stage {
  readonly name: string;
  readonly startNs: number;
  readonly endNs: number;
}

/** A request from its begin to its end; undefined when its trace does not have both. */
export function wholeOf(trace: Trace): Stage | undefined {
  return stageOf(trace, WHOLE);
}

/** The stages of a request that its trace has. */
export function stagesOf(trace: Trace): readonly Stage[] {
  return STAGES.flatMap((rule) => stageOf(trace, rule) ?? []);
}

function stageOf({ times }: Trace, { name, between }: StageRule): Stage | undefined {
  for (const [start, end] of between) {
    const startNs = times.get(start);
    const endNs = times.get(end);
    if (startNs !== undefined && endNs !== undefined) return { name, startNs, endNs };
  }
  return undefined;
}
