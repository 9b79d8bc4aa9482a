/** Functions of `triton_python_backend_utils` that stand on their own, and control over other models. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferInput } from '@nereid/client';
import { askable, withModel } from '../server/askable-model.ts';
import { makeRepository } from '../server/make-repository.ts';
import { IMPORTS, pythonConfig, servePython } from '../server/python-models.ts';
import { withClient } from '../server/with-client.ts';

const LIMIT = { timeout: 90_000 };

test('datatypes, strings and configurations are looked up as in Triton', LIMIT, async () => {
  const model = askable(`
def initialize(self, args):
    self.config = json.loads(args["model_config"])

def datatypes(self, _):
    return [pb_utils.triton_string_to_numpy("TYPE_FP32") is np.float32, pb_utils.triton_string_to_numpy("TYPE_STRING") is np.object_,
            pb_utils.numpy_to_triton_type(np.float32), pb_utils.triton_to_numpy_type(13) is np.object_]

def strings(self, _):
    packed = pb_utils.serialize_byte_tensor(np.array([b"a", "bc"], dtype=object)).item()
    return [packed.hex(), [text.decode() for text in pb_utils.deserialize_bytes_tensor(packed)]]

def configuration(self, _):
    return [pb_utils.get_input_config_by_name(self.config, "IN")["dims"], pb_utils.get_output_config_by_name(self.config, "OUT")["data_type"],
            pb_utils.get_output_config_by_name(self.config, "NONE"), pb_utils.using_decoupled_model_transaction_policy(self.config)]
`);
  await withModel(model, async ({ ask }) => {
    assert.deepEqual(await ask('datatypes'), [true, true, 11, true]);
    assert.deepEqual(await ask('strings'), ['0100000061020000006263', ['a', 'bc']]);
    assert.deepEqual(await ask('configuration'), [[-1], 'TYPE_STRING', null, false]);
  });
});

test('a model loads another from files that it brings, asks it, and unloads it', LIMIT, async () => {
  const model = askable(`
def load(self, _):
    import textwrap
    code = textwrap.dedent("""
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", r.inputs()[0].as_numpy() * 2)]) for r in requests]
""").encode()
    tensor = {"data_type": "TYPE_INT32", "dims": [-1]}
    config = {"backend": "python", "input": [{"name": "IN", **tensor}], "output": [{"name": "OUT", **tensor}]}
    pb_utils.load_model("made", config=json.dumps(config), files={"file:1/model.py": code})
    return pb_utils.is_model_ready("made")

def call(self, _):
    tensor = pb_utils.Tensor("IN", np.array([21], dtype=np.int32))
    call = pb_utils.InferenceRequest(model_name="made", requested_output_names=["OUT"], inputs=[tensor])
    return call.exec().output_tensors()[0].as_numpy().tolist()

def unload(self, _):
    pb_utils.unload_model("made")
    return pb_utils.is_model_ready("made")
`);
  await withModel(
    model,
    async ({ ask }) => {
      assert.equal(await ask('load'), true);
      assert.deepEqual(await ask('call'), [42]);
      assert.equal(await ask('unload'), false);
    },
    { flags: ['--model-control-mode=explicit', '--load-model=*'] },
  );
});

test(
  'a model without a configuration says all of it: tensors, batches, and that it is decoupled',
  LIMIT,
  async () => {
    const code = `${IMPORTS}
class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        config.add_input({"name": "IN", "data_type": "TYPE_INT32", "dims": [-1]})
        config.add_output({"name": "OUT", "data_type": "TYPE_INT32", "dims": [-1]})
        config.set_max_batch_size(4)
        config.set_dynamic_batching()
        config.set_model_transaction_policy({"decoupled": True})
        return config

    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            for factor in (1, 2):
                out = pb_utils.Tensor("OUT", request.inputs()[0].as_numpy() * np.int32(factor))
                sender.send(pb_utils.InferenceResponse([out]))
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`;
    await using repository = makeRepository();
    repository.write('said', { '1/model.py': code });
    await using server = await servePython(repository);
    const config = (await (await fetch(`${server.http}/v2/models/said/config`)).json()) as Record<
      string,
      unknown
    >;
    assert.deepEqual(
      [config['backend'], config['max_batch_size'], config['model_transaction_policy']],
      ['python', 4, { decoupled: true }],
    );
    assert.ok('dynamic_batching' in config);
    const events = await fetch(`${server.http}/v2/models/said/generate_stream`, {
      method: 'POST',
      body: JSON.stringify({ IN: [21] }),
    });
    const found = [...(await events.text()).matchAll(/"OUT":\[?(\d+)/g)].map(([, number]) => Number(number));
    assert.deepEqual(found, [21, 42]);
  },
);

test('flags that a model sets on a request come to the model that it asks', LIMIT, async () => {
  const told = `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", np.array([r.flags()], dtype=np.int32))]) for r in requests]
`;
  const asks = `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        answers = []
        for request in requests:
            call = pb_utils.InferenceRequest(
                model_name="told", requested_output_names=["OUT"], inputs=request.inputs(), correlation_id=7
            )
            call.set_flags(pb_utils.TRITONSERVER_REQUEST_FLAG_SEQUENCE_START | pb_utils.TRITONSERVER_REQUEST_FLAG_SEQUENCE_END)
            out = call.exec().output_tensors()[0].as_numpy()
            answers.append(pb_utils.InferenceResponse([pb_utils.Tensor("OUT", out)]))
        return answers
`;
  await using repository = makeRepository();
  repository.write('told', {
    'config.pbtxt': pythonConfig('INT32', 'sequence_batching { }'),
    '1/model.py': told,
  });
  repository.write('asks', { 'config.pbtxt': pythonConfig('INT32'), '1/model.py': asks });
  await using server = await servePython(repository);
  const inputs = [InferInput.from('IN', Int32Array.of(1), [1])];
  const result = await withClient(server, (client) => client.infer('asks', inputs));
  assert.deepEqual(result.asNumbers('OUT'), [3]);
});
