import type { ModelEnsemblingStep } from '@nereid/protocol/model-config';
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
  checkInputsUsed(check, scheduling.step);
  checkOutputsWritten(check, scheduling.step);
  checkTensorsUsed(check, scheduling.step);
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

function checkInputsUsed(check: ConfigCheck, steps: readonly ModelEnsemblingStep[]): void {
  const read = tensorsRead(steps);
  for (const [at, { name }] of check.config.input.entries()) {
    if (read.has(name)) continue;
    refuse(check, `input[${at}]`, `ensemble input '${name}' for ensemble '${check.config.name}' is not used`);
  }
}

/** An output is written when a step makes it that can run: all that it depends on comes from the inputs. */
function checkOutputsWritten(check: ConfigCheck, steps: readonly ModelEnsemblingStep[]): void {
  const available = availableTensors(check, steps);
  for (const [at, { name }] of check.config.output.entries()) {
    if (available.has(name)) continue;
    const missing = [...tensorsBefore(steps, name)].findLast((tensor) => !available.has(tensor));
    const reason =
      missing === undefined ? '' : `: at least one of its depending tensors, '${missing}', is not connected`;
    refuse(
      check,
      `output[${at}]`,
      `output '${name}' for ensemble '${check.config.name}' is not written${reason}`,
    );
  }
}

/** Every tensor must be made, and serve something. */
function checkTensorsUsed(check: ConfigCheck, steps: readonly ModelEnsemblingStep[]): void {
  const { name, output: outputs } = check.config;
  const available = availableTensors(check, steps);
  const used = new Set([...tensorsRead(steps), ...outputs.map((output) => output.name)]);
  for (const [at, step] of steps.entries()) {
    for (const tensor of Object.values(step.input_map)) {
      if (available.has(tensor)) continue;
      const rule = `no step writes it, or it depends on itself`;
      refuse(
        check,
        stepPath(at),
        `ensemble tensor '${tensor}' is never there in ensemble '${name}': ${rule}`,
      );
    }
    for (const tensor of Object.values(step.output_map)) {
      if (used.has(tensor)) continue;
      refuse(check, stepPath(at), `ensemble tensor '${tensor}' is unused in ensemble '${name}'`);
    }
  }
}

function tensorsRead(steps: readonly ModelEnsemblingStep[]): ReadonlySet<string> {
  return new Set(steps.flatMap((step) => Object.values(step.input_map)));
}

/** The tensors that running all steps would give, as far as they can run. */
function availableTensors(
  { config }: ConfigCheck,
  steps: readonly ModelEnsemblingStep[],
): ReadonlySet<string> {
  const available = new Set(config.input.map(({ name }) => name));
  let waiting = steps;
  for (;;) {
    const ready = waiting.filter((step) =>
      Object.values(step.input_map).every((tensor) => available.has(tensor)),
    );
    if (ready.length === 0) return available;
    for (const tensor of ready.flatMap((step) => Object.values(step.output_map))) available.add(tensor);
    waiting = waiting.filter((step) => !ready.includes(step));
  }
}

/** The tensors that a tensor depends on, the farthest last. */
function tensorsBefore(steps: readonly ModelEnsemblingStep[], tensor: string): ReadonlySet<string> {
  const before = new Set<string>();
  const visit = (name: string): void => {
    const maker = steps.find((step) => Object.values(step.output_map).includes(name));
    for (const input of Object.values(maker?.input_map ?? {})) {
      if (before.has(input)) continue;
      before.add(input);
      visit(input);
    }
  };
  visit(tensor);
  return before;
}

function stepPath(at: number): string {
  return `ensemble_scheduling.step[${at}]`;
}
