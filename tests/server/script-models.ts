import type { ModelFiles } from './make-repository.ts';

/** Waits until its client goes, and counts that; with HOLD 0 it answers at once with the count. */
const UNTIL_CANCELLED = `
import { defineModel, InferenceServerError } from '@nereid/backend-script';
let running = 0, cancelled = 0;
export default defineModel({
  async execute(request) {
    const [hold = 0] = request.input('HOLD').values('INT32');
    if (hold === 0) return { outputs: { RUNNING: running, CANCELLED: cancelled } };
    running += 1;
    await new Promise((resolve) => request.signal.addEventListener('abort', resolve, { once: true }));
    running -= 1;
    if (request.isCancelled) cancelled += 1;
    throw new InferenceServerError('CANCELLED', 'stopped');
  },
});
`;

/** Answers COUNT times with TOKEN and the number of the answer; waits between them while the client is there. */
const REPEAT = `
import { setImmediate } from 'node:timers/promises';
import { defineModel } from '@nereid/backend-script';
export default defineModel({
  async *execute(request) {
    const [token = 0] = request.input('TOKEN').values('INT32');
    const [count = 0] = request.input('COUNT').values('INT32');
    for (let index = 0; index < count; index += 1) {
      yield { outputs: { TOKEN_OUT: token, INDEX: index } };
      await setImmediate();
    }
  },
});
`;

const FAILING = `
import { defineModel, InferenceServerError } from '@nereid/backend-script';
export default defineModel({
  execute() {
    throw new InferenceServerError('UNAVAILABLE', 'failed on purpose');
  },
});
`;

/**
 * Answers COUNT times with INDEX and SIZE bytes, and keeps in a file beside itself how often: for tests of clients that do
 * not read. The file ends in `!` when the generator has ended.
 */
const FLOOD = `
import { writeFileSync } from 'node:fs';
import { defineModel } from '@nereid/backend-script';
const progress = new URL('progress', import.meta.url);
export default defineModel({
  async *execute(request) {
    const [count = 0] = request.input('COUNT').values('INT32');
    const [size = 0] = request.input('SIZE').values('INT32');
    const text = 'x'.repeat(size);
    let made = 0;
    try {
      while (made < count) {
        writeFileSync(progress, String(made + 1));
        yield { outputs: { INDEX: made++, TEXT: [text] } };
      }
    } finally {
      writeFileSync(progress, made + '!');
    }
  },
});
`;

/** Notes in its trace that it tokenizes, and within that, that it looks something up. */
const NOTING = `
import { defineModel } from '@nereid/backend-script';
export default defineModel({
  execute(request) {
    for (const name of ['TOKENIZE_START', 'LOOKUP_START', 'HIT', 'LOOKUP_END', 'TOKENIZE_END'])
      request.recordActivity(name);
    return { outputs: { OUTPUT0: request.input('INPUT0').values('INT32') } };
  },
});
`;

const scalar = (...names: readonly string[]): string =>
  names.map((name) => `{ name: "${name}" data_type: TYPE_INT32 dims: [1] }`).join(', ');

const HOLD_CONFIG = `
  backend: "script"
  input [${scalar('HOLD')}]
  output [${scalar('RUNNING', 'CANCELLED')}]
  instance_group [{ count: 2 kind: KIND_CPU }]
`;

/** A model that holds a request until it is cancelled. Two instances: one to hold, one to ask. */
export function untilCancelledModel(): ModelFiles {
  return { 'config.pbtxt': HOLD_CONFIG, '1/model.ts': UNTIL_CANCELLED };
}

/** A model with the same inputs that fails each request. */
export function failingModel(): ModelFiles {
  return { 'config.pbtxt': HOLD_CONFIG, '1/model.ts': FAILING };
}

/** Gives back its input a little later, and adds a byte to a file beside itself. */
const COUNTING = `
import { appendFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { defineModel } from '@nereid/backend-script';
const file = new URL('executions', import.meta.url);
export default defineModel({
  async execute(request) {
    appendFileSync(file, '.');
    await setTimeout(3);
    return { outputs: { OUTPUT0: request.input('INPUT0').values('INT32') } };
  },
});
`;

/** A model that gives back its input; `1/executions` is as long as it was executed often. */
export function countingModel(): ModelFiles {
  const config = `backend: "script" input [${scalar('INPUT0')}] output [${scalar('OUTPUT0')}]
    instance_group [{ count: 4 kind: KIND_CPU }]`;
  return { 'config.pbtxt': config, '1/model.ts': COUNTING };
}

/** A model that gives back its input, and notes activities of its own in its traces. */
export function notingModel(): ModelFiles {
  const config = `backend: "script" input [${scalar('INPUT0')}] output [${scalar('OUTPUT0')}]`;
  return { 'config.pbtxt': config, '1/model.ts': NOTING };
}

/** A decoupled model that answers `COUNT` times. */
export function repeatModel(): ModelFiles {
  return {
    'config.pbtxt': `
      backend: "script"
      input [${scalar('TOKEN', 'COUNT')}]
      output [${scalar('TOKEN_OUT', 'INDEX')}]
      instance_group [{ count: 2 kind: KIND_CPU }]
      model_transaction_policy { decoupled: true }`,
    '1/model.ts': REPEAT,
  };
}

/** The configuration of {@link floodModel} for a backend. */
export function floodConfig(backend: string, more = ''): string {
  return `
    backend: "${backend}"
    input [${scalar('COUNT', 'SIZE')}]
    output [${scalar('INDEX')}, { name: "TEXT" data_type: TYPE_STRING dims: [1] }]
    instance_group [{ kind: KIND_CPU }]
    model_transaction_policy { decoupled: true }
    ${more}`;
}

/** A decoupled model that answers `COUNT` times with `SIZE` bytes; `1/progress` says how often it did so far. */
export function floodModel(more = ''): ModelFiles {
  return { 'config.pbtxt': floodConfig('script', more), '1/model.ts': FLOOD };
}
