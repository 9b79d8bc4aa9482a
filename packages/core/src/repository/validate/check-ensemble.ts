import { didYouMean, type ModelEnsemblingStep } from '@nereid/protocol/model-config';
import {
  defaultParameter,
  END_PARAMETER,
  EnsembleFlowError,
  readEnsembleFlow,
  tensorsBeforeStep,
  whenParameter,
  type EnsembleFlow,
} from '../../ensemble/ensemble-flow.ts';
import { tensorsIn } from '../../ensemble/expression.ts';
import { ENSEMBLE_PLATFORM } from '../known-backends.ts';
import { refuse, type ConfigCheck } from './check.ts';

/** What of an ensemble can be checked without its models (CFG-23). */
export function checkEnsemble(check: ConfigCheck): void {
  const { name, platform, ensemble_scheduling: scheduling } = check.config;
  if (scheduling === undefined) {
    if (platform !== ENSEMBLE_PLATFORM) return;
    const rule = `whose platform is ${ENSEMBLE_PLATFORM}`;
    refuse(check, 'platform', `ensemble scheduling must be set for ensemble ${name} ${rule}`);
  }
  checkForbiddenFields(check);
  if (scheduling.step.length === 0) {
    refuse(check, 'ensemble_scheduling', `must specify 'step' for ensemble '${name}'`);
  }
  for (const [at, step] of scheduling.step.entries()) checkStep(check, step, at);
  checkWrittenOnce(check, scheduling.step);
  const flow = readFlow(check);
  checkFlowTensors(check, scheduling.step, flow);
  const steps = scheduling.step.map((step, at) => toDataflowStep(step, at, flow));
  checkInputsUsed(check, steps, flow);
  checkOutputsWritten(check, steps);
  checkTensorsUsed(check, steps, flow);
}

/** What a step reads, with what its condition and the defaults of its outputs read, and what it writes. */
interface DataflowStep {
  readonly name: string;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

function toDataflowStep(step: ModelEnsemblingStep, at: number, flow: EnsembleFlow): DataflowStep {
  const writes = Object.values(step.output_map);
  const reads = [...Object.values(step.input_map), ...tensorsBeforeStep(flow, at, writes)];
  return { name: step.model_name, reads, writes };
}

function readFlow(check: ConfigCheck): EnsembleFlow {
  try {
    return readEnsembleFlow(check.config);
  } catch (error) {
    if (error instanceof EnsembleFlowError) refuse(check, parameterPath(error.parameter), error.message);
    throw error;
  }
}

/** Conditions and defaults must be about tensors of the ensemble. */
function checkFlowTensors(
  check: ConfigCheck,
  steps: readonly ModelEnsemblingStep[],
  { when, defaults, end }: EnsembleFlow,
): void {
  const { name, input: inputs } = check.config;
  const made = steps.flatMap(({ output_map: outputs }) => Object.values(outputs));
  const known = new Set([...inputs.map((input) => input.name), ...made]);
  const assertKnown = (tensors: readonly string[], parameter: string): void => {
    const unknown = tensors.find((tensor) => !known.has(tensor));
    if (unknown === undefined) return;
    const rule = `parameter '${parameter}' of ensemble '${name}': there is no tensor '${unknown}'`;
    refuse(check, parameterPath(parameter), rule + didYouMean(unknown, known));
  };
  for (const [step, condition] of when) assertKnown(tensorsIn(condition), whenParameter(step));
  if (end !== undefined) assertKnown(tensorsIn(end), END_PARAMETER);
  for (const [tensor, source] of defaults) {
    const parameter = defaultParameter(tensor);
    if (!made.includes(tensor)) {
      const rule = `parameter '${parameter}' of ensemble '${name}': no step writes a tensor '${tensor}'`;
      refuse(check, parameterPath(parameter), rule + didYouMean(tensor, made));
    }
    if (source.kind === 'tensor') assertKnown([source.name], parameter);
  }
}

/** An ensemble has no instances that these could be for. */
function checkForbiddenFields(check: ConfigCheck): void {
  const { config } = check;
  const forbidden = [
    ['instance_group', config.instance_group.length > 0],
    ['optimization', config.optimization !== undefined],
    ['model_warmup', config.model_warmup.length > 0],
  ] as const;
  for (const [field, isSet] of forbidden) {
    if (isSet) refuse(check, field, `'${field}' should not be specified for ensemble '${config.name}'`);
  }
}

function checkStep(check: ConfigCheck, step: ModelEnsemblingStep, at: number): void {
  const place = `in step ${at} of ensemble '${check.config.name}'`;
  const path = stepPath(at);
  if (step.model_name === '') refuse(check, path, `must specify 'model_name' ${place}`);
  if (Object.keys(step.input_map).length === 0) refuse(check, path, `must specify 'input_map' ${place}`);
  if (Object.keys(step.output_map).length === 0) refuse(check, path, `must specify 'output_map' ${place}`);
}

function checkWrittenOnce(check: ConfigCheck, steps: readonly ModelEnsemblingStep[]): void {
  const { name, input: inputs } = check.config;
  const written = new Set<string>();
  for (const [at, step] of steps.entries()) {
    for (const [modelTensor, tensor] of Object.entries(step.output_map)) {
      const path = `${stepPath(at)}.output_map[${JSON.stringify(modelTensor)}]`;
      if (written.has(tensor)) {
        const rule = `can appear in an output map only once for ensemble '${name}', found again in step ${at}`;
        refuse(check, path, `ensemble tensor '${tensor}' ${rule}`);
      }
      if (inputs.some((input) => input.name === tensor)) {
        const rule = `is an input of ensemble '${name}' and can't be an output of step ${at}`;
        refuse(check, path, `ensemble tensor '${tensor}' ${rule}`);
      }
      written.add(tensor);
    }
  }
}

function checkInputsUsed(check: ConfigCheck, steps: readonly DataflowStep[], flow: EnsembleFlow): void {
  const read = tensorsRead(steps, flow);
  for (const [at, { name }] of check.config.input.entries()) {
    if (read.has(name)) continue;
    refuse(check, `input[${at}]`, `ensemble input '${name}' for ensemble '${check.config.name}' is not used`);
  }
}

/** An output is written when a step makes it that can run: all that it depends on comes from the inputs. */
function checkOutputsWritten(check: ConfigCheck, steps: readonly DataflowStep[]): void {
  const available = availableTensors(check, steps);
  for (const [at, { name }] of check.config.output.entries()) {
    if (available.has(name)) continue;
    const missing = [...tensorsBefore(steps, name)].findLast((tensor) => !available.has(tensor));
    const reason =
      missing === undefined
        ? ''
        : `: at least one of its depending tensors, '${missing}', is not connected${circleOf(steps, name)}`;
    refuse(
      check,
      `output[${at}]`,
      `output '${name}' for ensemble '${check.config.name}' is not written${reason}`,
    );
  }
}

/** Every tensor must be made, and serve something. */
function checkTensorsUsed(check: ConfigCheck, steps: readonly DataflowStep[], flow: EnsembleFlow): void {
  const { name, output: outputs } = check.config;
  const available = availableTensors(check, steps);
  const used = new Set([...tensorsRead(steps, flow), ...outputs.map((output) => output.name)]);
  for (const [at, { name: model, reads, writes }] of steps.entries()) {
    const missing = reads.find((tensor) => !available.has(tensor));
    if (missing !== undefined) {
      const rule = `no step writes it, or it depends on itself${circleOf(steps, missing)}`;
      refuse(
        check,
        stepPath(at),
        `ensemble tensor '${missing}', which step ${at} (model '${model}') reads, is never there in ensemble '${name}': ${rule}`,
      );
    }
    const unused = writes.find((tensor) => !used.has(tensor));
    if (unused === undefined) continue;
    const what = `ensemble tensor '${unused}', which step ${at} (model '${model}') writes`;
    refuse(
      check,
      stepPath(at),
      `${what}, is unused in ensemble '${name}': map it to an input or an output, or leave it out`,
    );
  }
}

/** The way from a tensor back to itself: `: a <- b <- a`; nothing when there is none. */
function circleOf(steps: readonly DataflowStep[], from: string): string {
  const follow = (tensor: string, path: readonly string[]): readonly string[] | undefined => {
    const known = path.indexOf(tensor);
    if (known >= 0) return [...path.slice(known), tensor];
    const maker = steps.find(({ writes }) => writes.includes(tensor));
    for (const read of maker?.reads ?? []) {
      const circle = follow(read, [...path, tensor]);
      if (circle !== undefined) return circle;
    }
    return undefined;
  };
  const circle = follow(from, []);
  return circle === undefined ? '' : ` (a circle: ${circle.join(' <- ')})`;
}

function tensorsRead(steps: readonly DataflowStep[], { end }: EnsembleFlow): ReadonlySet<string> {
  return new Set([...steps.flatMap(({ reads }) => reads), ...(end === undefined ? [] : tensorsIn(end))]);
}

/** The tensors that running all steps would give, as far as they can run. */
function availableTensors({ config }: ConfigCheck, steps: readonly DataflowStep[]): ReadonlySet<string> {
  const available = new Set(config.input.map(({ name }) => name));
  let waiting = steps;
  for (;;) {
    const ready = waiting.filter(({ reads }) => reads.every((tensor) => available.has(tensor)));
    if (ready.length === 0) return available;
    for (const { writes } of ready) for (const tensor of writes) available.add(tensor);
    waiting = waiting.filter((step) => !ready.includes(step));
  }
}

/** The tensors that a tensor depends on, the farthest last. */
function tensorsBefore(steps: readonly DataflowStep[], tensor: string): ReadonlySet<string> {
  const before = new Set<string>();
  const visit = (name: string): void => {
    const maker = steps.find(({ writes }) => writes.includes(name));
    for (const read of maker?.reads ?? []) {
      if (before.has(read)) continue;
      before.add(read);
      visit(read);
    }
  };
  visit(tensor);
  return before;
}

function stepPath(at: number): string {
  return `ensemble_scheduling.step[${at}]`;
}

function parameterPath(name: string): string {
  return `parameters[${JSON.stringify(name)}]`;
}
