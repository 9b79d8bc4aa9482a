import type { ModelSequenceBatching, ModelSequenceBatchingControl } from '@nereid/protocol/model-config';
import { refuse, type ConfigCheck } from './check.ts';
import { checkPreferredSizes } from './check-dynamic-batching.ts';
import { checkSequenceStates } from './check-sequence-states.ts';

const CORRID_TYPES: readonly string[] = [
  'TYPE_UINT64',
  'TYPE_INT64',
  'TYPE_UINT32',
  'TYPE_INT32',
  'TYPE_STRING',
];

/** The sequence batcher: strategy, control inputs, states (CFG-19, CFG-20, CFG-21). */
export function checkSequenceBatching(check: ConfigCheck): void {
  const batching = check.config.sequence_batching;
  if (batching === undefined) return;
  checkControlInputs(check, batching);
  checkStrategy(check, batching);
  checkSequenceStates(check, batching.state);
}

function checkStrategy(check: ConfigCheck, { oldest, direct }: ModelSequenceBatching): void {
  const { name } = check.config;
  const path = 'sequence_batching';
  if (oldest !== undefined) {
    checkPreferredSizes(
      check,
      `${path}.oldest.preferred_batch_size`,
      oldest.preferred_batch_size,
      'sequence batching',
    );
    if (oldest.max_candidate_sequences < 1) {
      const rule = `sequence batching 'max_candidate_sequences' must be at least 1 for ${name}`;
      refuse(
        check,
        `${path}.oldest.max_candidate_sequences`,
        `${rule}, found ${oldest.max_candidate_sequences}`,
      );
    }
  }
  const utilization = direct?.minimum_slot_utilization ?? 0;
  if (utilization >= 0 && utilization <= 1) return;
  const rule = `sequence batching minimum slot utilization must be in range (0.0, 1.0] for ${name}`;
  refuse(check, `${path}.direct.minimum_slot_utilization`, `${rule}, found ${utilization}`);
}

function checkControlInputs(check: ConfigCheck, { control_input: inputs }: ModelSequenceBatching): void {
  const { name, input: modelInputs } = check.config;
  const kinds = new Set<string>();
  for (const [at, input] of inputs.entries()) {
    const path = `sequence_batching.control_input[${at}]`;
    if (input.name === '')
      refuse(check, path, `sequence batching control tensor must have a name for ${name}`);
    if (inputs.findIndex((other) => other.name === input.name) < at) {
      const rule = `is specified for multiple control kinds for ${name}`;
      refuse(check, path, `sequence batching control tensor '${input.name}' ${rule}`);
    }
    if (modelInputs.some((other) => other.name === input.name)) {
      const rule = `can't be listed among the inputs of ${name}, which requests must bring`;
      refuse(check, path, `sequence batching control tensor '${input.name}' ${rule}`);
    }
    for (const [index, control] of input.control.entries()) {
      const controlPath = `${path}.control[${index}]`;
      if (kinds.has(control.kind)) {
        refuse(
          check,
          controlPath,
          `sequence batching specifies multiple ${control.kind} tensors for ${name}`,
        );
      }
      kinds.add(control.kind);
      checkControl(check, controlPath, control);
    }
  }
}

function checkControl(check: ConfigCheck, path: string, control: ModelSequenceBatchingControl): void {
  const { kind } = control;
  const forWhat = `for ${kind} for ${check.config.name}`;
  const pairs = PAIRS.filter((pair) => control[pair].length > 0);
  if (kind === 'CONTROL_SEQUENCE_CORRID') {
    checkCorrelationId(check, path, control, pairs);
    return;
  }
  const [pair, second] = pairs;
  if (pair === undefined) {
    const either = `either 'int32_false_true', 'fp32_false_true' or 'bool_false_true'`;
    refuse(check, path, `sequence batching must specify ${either} ${forWhat}`);
  }
  if (second !== undefined) {
    refuse(
      check,
      `${path}.${second}`,
      `sequence batching specifies more than one from ${pairs.join(', ')} ${forWhat}`,
    );
  }
  if (control[pair].length === 2) return;
  const rule = `sequence batching control '${pair}' must have exactly 2 entries ${forWhat}`;
  refuse(check, `${path}.${pair}`, `${rule}, found ${control[pair].length}`);
}

const PAIRS = ['int32_false_true', 'fp32_false_true', 'bool_false_true'] as const;

function checkCorrelationId(
  check: ConfigCheck,
  path: string,
  control: ModelSequenceBatchingControl,
  pairs: readonly string[],
): void {
  const { name } = check.config;
  if (pairs.length > 0) {
    const rule = `sequence batching must not specify '${pairs.join(`', '`)}' for ${control.kind} for ${name}`;
    refuse(check, `${path}.${pairs.join()}`, rule);
  }
  if (CORRID_TYPES.includes(control.data_type)) return;
  const rule = `unexpected data type ${control.data_type} for control ${control.kind} for ${name}`;
  refuse(check, `${path}.data_type`, `${rule}: allowed data types are ${CORRID_TYPES.join(', ')}`);
}
