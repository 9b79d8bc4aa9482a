/** The ensembles of ensemble_checks.py, and the models that only they use. */
import { identityModel, type ModelFiles, type TemporaryRepository } from '../server/make-repository.ts';

const REPEAT = `
export default {
  config: {
    input: [{ name: 'IN', data_type: 'TYPE_INT32', dims: [-1] }],
    output: [{ name: 'OUT', data_type: 'TYPE_INT32', dims: [1] }],
    model_transaction_policy: { decoupled: true },
  },
  async *execute(request) {
    for (const value of request.input('IN').values('INT32')) yield { outputs: { OUT: value } };
  },
};
`;

/** Tensors of the model add_sub. */
const TENSORS = `
max_batch_size: 128
input [{ name: "A" data_type: TYPE_FP32 dims: [4] }, { name: "B" data_type: TYPE_FP32 dims: [4] }]
output [{ name: "TWICE_A" data_type: TYPE_FP32 dims: [4] }, { name: "TWICE_B" data_type: TYPE_FP32 dims: [4] }]
`;

const step = (model: string, inputs: string, outputs: string): string =>
  `{ model_name: "${model}" model_version: -1 ${maps('input_map', inputs)} ${maps('output_map', outputs)} }`;

/** `A=x B=y` as entries of a map. */
const maps = (field: string, pairs: string): string =>
  pairs
    .split(' ')
    .map((pair) => pair.split('='))
    .map(([key = '', value = '']) => `${field} { key: "${key}" value: "${value}" }`)
    .join(' ');

const FIRST = step('add_sub', 'A=A B=B', 'SUM=s DIFFERENCE=d');
const SECOND = step('add_sub', 'A=s B=d', 'SUM=TWICE_A DIFFERENCE=TWICE_B');

const CONDITION = `
parameters { key: "step.1.when" value { string_value: "param(\\"work\\") == \\"all\\"" } }
parameters { key: "tensor.TWICE_A.default" value { string_value: "s" } }
parameters { key: "tensor.TWICE_B.default" value { string_value: "-1" } }
`;

const STREAM = `
input [{ name: "IN" data_type: TYPE_INT32 dims: [-1] }]
output [{ name: "OUT" data_type: TYPE_INT32 dims: [1] }]
`;

function ensembleModel(tensors: string, steps: readonly string[], more = ''): ModelFiles {
  const scheduling = `ensemble_scheduling { step [${steps.join(', ')}] }`;
  return { 'config.pbtxt': `platform: "ensemble"\n${tensors}${scheduling}\n${more}`, '1/.keep': '' };
}

/** @param repository - With the model add_sub. */
export function addEnsembles(repository: TemporaryRepository): void {
  repository.write('repeat', { '1/model.ts': REPEAT });
  repository.write('copy', identityModel());
  repository.write('ensemble', ensembleModel(TENSORS, [FIRST, SECOND]));
  repository.write('ensemble_when', ensembleModel(TENSORS, [FIRST, SECOND], CONDITION));
  const copied = [step('repeat', 'IN=IN', 'OUT=m'), step('copy', 'INPUT0=m', 'OUTPUT0=OUT')];
  repository.write('ensemble_stream', ensembleModel(STREAM, copied));
}
