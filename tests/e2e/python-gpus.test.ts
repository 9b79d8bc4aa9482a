/** What Python models hear of GPUs. No test needs one: a model's process is told the number and no more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelConfig } from '@nereid/backend-sdk';
import { createTestHost, type Init } from '@nereid/backend-sdk/testing';
import { pythonBackend } from '../../packages/backend-python/src/python-backend.ts';
import { pythonVenv } from '../python/venv.ts';
import { makeRepository } from '../server/make-repository.ts';
import { IMPORTS } from '../server/python-models.ts';

const LIMIT = { timeout: 60_000 };

const TELLING = `${IMPORTS}
class TritonPythonModel:
    def initialize(self, args):
        names = ("model_instance_kind", "model_instance_device_id", "model_instance_name")
        self.told = " ".join(args[name] for name in names)

    def execute(self, requests):
        return [self.answer(request.inputs()[0]) for request in requests]

    def answer(self, given):
        told = f"{self.told} {given.is_cpu()} {given.__dlpack_device__()}".encode()
        return pb_utils.InferenceResponse([pb_utils.Tensor("OUT", np.array([told], dtype=object))])
`;
const IO: Init<ModelConfig> = {
  input: [{ name: 'IN', data_type: 'TYPE_STRING', dims: [1] }],
  output: [{ name: 'OUT', data_type: 'TYPE_STRING', dims: [1] }],
};

/** What each instance of the telling model says. */
async function tellingInstances(config: Init<ModelConfig>): Promise<readonly string[]> {
  await using repository = makeRepository();
  repository.write('telling', { '1/model.py': TELLING });
  const host = await createTestHost(pythonBackend, { settings: { interpreter: pythonVenv() } });
  try {
    const directory = `${repository.path}/telling`;
    const model = await host.load({ config: { ...IO, ...config, name: 'telling' }, directory });
    const told: string[] = [];
    for (const index of model.instances.keys()) {
      const inputs = [{ name: 'IN', datatype: 'BYTES' as const, shape: [1], data: Buffer.from('\0\0\0\0') }];
      const [request] = await model.run([{ inputs }], index);
      const [output] = request?.responses[0]?.outputs ?? [];
      told.push(Buffer.from(output?.data ?? []).toString('utf8', 4));
    }
    return told;
  } finally {
    await host.close();
  }
}

test('an instance is told its kind and its GPU; its inputs are on the CPU in any case', LIMIT, async () => {
  const told = await tellingInstances({
    instance_group: [
      { kind: 'KIND_GPU', gpus: [0, 3], count: 1 },
      { kind: 'KIND_CPU', count: 1 },
      { kind: 'KIND_MODEL', count: 1 },
    ],
  });
  assert.deepEqual(told, [
    'GPU 0 telling_0_0 True (1, 0)',
    'GPU 3 telling_0_0 True (1, 0)',
    'CPU 0 telling_1_0 True (1, 0)',
    'MODEL 0 telling_2_0 True (1, 0)',
  ]);
});

test('FORCE_CPU_ONLY_INPUT_TENSORS is yes or no', LIMIT, async () => {
  const force = (text: string): Init<ModelConfig> => ({
    parameters: { FORCE_CPU_ONLY_INPUT_TENSORS: { string_value: text } },
  });
  for (const text of ['yes', 'no']) {
    assert.deepEqual(await tellingInstances(force(text)), ['CPU 0 telling_0_0 True (1, 0)']);
  }
  await assert.rejects(tellingInstances(force('maybe')), {
    code: 'INVALID_ARG',
    message:
      "model 'telling', parameter 'FORCE_CPU_ONLY_INPUT_TENSORS': expected one of yes, no, found 'maybe'",
  });
});
