import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpClient, InferInput, InferenceServerError } from '@nereid/client';
import { askable, ECHO_MODEL, withModel } from '../server/askable-model.ts';
import { makeRepository } from '../server/make-repository.ts';
import { IMPORTS, pythonConfig, servePython, stubsOf } from '../server/python-models.ts';
import { withClient } from '../server/with-client.ts';

const LIMIT = { timeout: 90_000 };
test('a tensor keeps name, datatype, shape and values; odd arrays are refused by name', LIMIT, async () => {
  const model = askable(`
def about(self, _):
    tensor = pb_utils.Tensor("T", np.arange(6, dtype=np.int16).reshape(2, 3).T)
    return [tensor.name(), tensor.triton_dtype(), tensor.shape(), tensor.is_cpu(), tensor.as_numpy().tolist()]

def strings(self, request):
    return request.inputs()[0].as_numpy().tolist()[0].decode()

def complex(self, _):
    pb_utils.Tensor("T", np.zeros(1, dtype=np.complex64))

def no_name(self, _):
    pb_utils.Tensor("", np.zeros(1, dtype=np.float32))

def no_array(self, _):
    pb_utils.Tensor("T", [1, 2])
`);
  await withModel(model, async ({ ask }) => {
    assert.deepEqual(await ask('about'), [
      'T',
      'INT16',
      [3, 2],
      true,
      [
        [0, 3],
        [1, 4],
        [2, 5],
      ],
    ]);
    assert.equal(await ask('strings'), 'strings');
    assert.match(String(await ask('complex')), /ValueError: .*complex64/);
    assert.match(String(await ask('no_name')), /INVALID_ARG: Tensor name cannot be an empty string/);
    assert.match(String(await ask('no_array')), /TypeError: tensor 'T': expected a numpy array, found list/);
  });
});

test('DLPack goes both ways, by capsule and by protocol, bfloat16 too', LIMIT, async () => {
  const model = askable(`
def both(self, _):
    array = np.arange(4, dtype=np.float32)
    by_protocol = pb_utils.Tensor.from_dlpack("T", array)
    by_capsule = pb_utils.Tensor.from_dlpack("T", by_protocol.to_dlpack())
    back = np.from_dlpack(by_capsule)
    return [back.tolist(), by_capsule.__dlpack_device__(), by_capsule.triton_dtype()]

def bfloat(self, _):
    from nereid_stub import dlpack
    bits = np.array([0x3F80, 0xC000, 0], dtype=np.uint16)
    tensor = pb_utils.Tensor.from_dlpack("T", dlpack.to_bfloat_capsule(bits))
    again = pb_utils.Tensor.from_dlpack("T", tensor.to_dlpack())
    array, is_bfloat = dlpack.to_numpy(again.to_dlpack())
    return [tensor.triton_dtype(), again.shape(), is_bfloat, array.tolist()]

def bfloat_numpy(self, _):
    from nereid_stub import dlpack
    pb_utils.Tensor.from_dlpack("T", dlpack.to_bfloat_capsule(np.zeros(1, dtype=np.uint16))).as_numpy()

def wrong(self, _):
    pb_utils.Tensor.from_dlpack("T", 3)

def gpu_capsule(self):
    import ctypes
    capsule = np.arange(3, dtype=np.float32).__dlpack__()
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return capsule, ctypes.c_int32.from_address(get(capsule, b"dltensor") + ctypes.sizeof(ctypes.c_void_p))

def on_gpu(self, _):
    import sys, types
    capsule, device = self.gpu_capsule()
    class Copied:
        def cpu(self):
            device.value = 1
            return capsule
    device.value = 2
    sys.modules["torch"] = types.SimpleNamespace(from_dlpack=lambda source: Copied() if source is capsule else None)
    try:
        return pb_utils.Tensor.from_dlpack("T", capsule).as_numpy().tolist()
    finally:
        del sys.modules["torch"]

def on_strange_gpu(self, _):
    capsule, device = self.gpu_capsule()
    device.value = 2
    try:
        pb_utils.Tensor.from_dlpack("T", capsule)
    finally:
        device.value = 1
`);
  await withModel(model, async ({ ask }) => {
    assert.deepEqual(await ask('both'), [[0, 1, 2, 3], [1, 0], 'FP32']);
    assert.deepEqual(await ask('bfloat'), ['BF16', [3], true, [0x3f80, 0xc000, 0]]);
    assert.match(String(await ask('bfloat_numpy')), /TypeError: tensor 'T' is BF16, .*to_dlpack/);
    assert.match(String(await ask('wrong')), /TypeError: int is no DLPack capsule/);
    // There is no GPU here: a capsule that says it is on one, and a library that takes it off.
    assert.deepEqual(await ask('on_gpu'), [0, 1, 2]);
    assert.match(
      String(await ask('on_strange_gpu')),
      /BufferError: a tensor on device type 2 can't be read: PyTorch or CuPy .*copy it to the CPU first/,
    );
  });
});

test('a request says all that its client said', LIMIT, async () => {
  const model = askable(`
def about(self, request):
    return {
        "id": request.request_id(), "outputs": request.requested_output_names(), "model": request.model_name,
        "version": request.model_version, "timeout": request.timeout(),
        "parameters": json.loads(request.parameters()), "correlation": request.correlation_id(),
        "flags": request.flags(), "cancelled": request.is_cancelled(), "trace": request.trace().get_context(),
        "memory": type(request.preferred_memory()).__name__, "is": isinstance(request, pb_utils.InferenceRequest),
    }
`);
  await withModel(model, async ({ ask }) => {
    const options = { requestId: 'r1', timeoutUs: 4_000_000, parameters: { n: 3, s: 'x', b: true } };
    assert.deepEqual(await ask('about', options), {
      id: 'r1',
      outputs: ['OUT'],
      model: 'asked',
      version: 1,
      timeout: 4_000_000,
      parameters: { n: 3, s: 'x', b: true },
      correlation: 0,
      flags: 0,
      cancelled: false,
      trace: null,
      memory: 'PreferredMemory',
      is: true,
    });
  });
});

test('errors keep their code; one that is no code is refused', LIMIT, async () => {
  const model = askable(`
def codes(self, _):
    return [pb_utils.TritonError("m", getattr(pb_utils.TritonError, name)).code() for name in
            ("UNKNOWN", "INTERNAL", "NOT_FOUND", "INVALID_ARG", "UNAVAILABLE", "UNSUPPORTED", "ALREADY_EXISTS", "CANCELLED")]

def wrong(self, _):
    pb_utils.TritonError("m", "TEAPOT")

def text(self, _):
    pb_utils.InferenceResponse(error="just text")

def not_tensors(self, _):
    pb_utils.InferenceResponse([np.zeros(1)])

def error(self, _):
    response = pb_utils.InferenceResponse([], pb_utils.TritonError("m"), {"k": 1})
    return [response.has_error(), response.error().message(), json.loads(response.parameters()), len(response.output_tensors())]
`);
  await withModel(model, async ({ ask }) => {
    assert.equal(((await ask('codes')) as unknown[]).length, 8);
    assert.match(String(await ask('wrong')), /ValueError: .*'TEAPOT'/);
    assert.match(String(await ask('text')), /TypeError: response error: expected a TritonError, found str/);
    assert.match(
      String(await ask('not_tensors')),
      /TypeError: response outputs: expected a Tensor, found ndarray/,
    );
    assert.deepEqual(await ask('error'), [true, 'm', { k: 1 }, 0]);
  });
});

test('metrics count on the page; what can not be is an exception in the model', LIMIT, async () => {
  const model = askable(`
def initialize(self, args):
    family = pb_utils.MetricFamily("asked_items", "items", pb_utils.MetricFamily.COUNTER)
    self.counter, self.same = family.Metric({"a": "b"}), family.Metric({"a": "b"})
    self.gauge = pb_utils.MetricFamily("asked_level", "level", pb_utils.MetricFamily.GAUGE).Metric()
    self.spread = pb_utils.MetricFamily("asked_spread", "spread", pb_utils.MetricFamily.HISTOGRAM).Metric(buckets=[1, 5])

def count(self, _):
    self.counter.increment(2.5)
    self.same.increment(1)
    self.gauge.set(7)
    self.gauge.increment(-3)
    self.spread.observe(4)
    return [self.counter.value(), self.gauge.value()]

def backwards(self, _):
    self.counter.increment(-1)

def set_counter(self, _):
    self.counter.set(1)

def histogram_value(self, _):
    self.spread.value()

def other_kind(self, _):
    pb_utils.MetricFamily("asked_items", "items", pb_utils.MetricFamily.GAUGE).Metric()

def bad_name(self, _):
    pb_utils.MetricFamily("no good", "x", pb_utils.MetricFamily.GAUGE).Metric()

def no_buckets(self, _):
    pb_utils.MetricFamily("asked_h", "x", pb_utils.MetricFamily.HISTOGRAM).Metric()

def falling(self, _):
    pb_utils.MetricFamily("asked_h", "x", pb_utils.MetricFamily.HISTOGRAM).Metric(buckets=[2, 1])

def nan(self, _):
    self.gauge.set(float("nan"))
`);
  await withModel(model, async ({ ask, server }) => {
    assert.deepEqual(await ask('count'), [3.5, 4]);
    const page = await (await fetch(`${server.metrics}/metrics`)).text();
    assert.match(page, /^asked_items\{a="b"\} 3\.5$/m);
    assert.match(page, /^asked_level 4$/m);
    assert.match(page, /^asked_spread_bucket\{le="5"\} 1$/m);
    const refused = {
      backwards: /INVALID_ARG: .*-1/,
      set_counter: /UNSUPPORTED: .*counter, which has no set/,
      histogram_value: /UNSUPPORTED: .*histogram, which has no value/,
      other_kind: /ALREADY_EXISTS: .*asked_items/,
      bad_name: /INVALID_ARG: .*no good/,
      no_buckets: /INVALID_ARG: .*needs buckets/,
      falling: /INVALID_ARG: .*must ascend/,
      nan: /INVALID_ARG: .*finite/,
    };
    for (const [method, message] of Object.entries(refused)) assert.match(String(await ask(method)), message);
  });
});

test('the log has the levels, and the id of the request', LIMIT, async () => {
  const model = askable(`
def lines(self, _):
    pb_utils.Logger.log_info("an info")
    pb_utils.Logger.log_warn("a warning")
    pb_utils.Logger.log_error("an error")
    pb_utils.Logger.log_verbose("a detail")
    pb_utils.Logger.log("by level", pb_utils.Logger.WARNING)

def wrong(self, _):
    pb_utils.Logger.log("x", "loud")
`);
  await withModel(
    model,
    async ({ ask, server }) => {
      await ask('lines', { requestId: 'r7' });
      const output = server.output();
      for (const [letter, text] of ['I:an info', 'W:a warning', 'E:an error', 'I:a detail', 'W:by level'].map(
        (line) => line.split(':'),
      ))
        assert.match(output, new RegExp(`^${letter}.*"${text}".*request_id="r7"`, 'm'));
      assert.match(String(await ask('wrong')), /TypeError: Logger.log: expected a level/);
    },
    { flags: ['--log-verbose=1'] },
  );
});

const CALLS = `
def request(self, model, **more):
    tensor = pb_utils.Tensor("IN", np.array([5], dtype=np.int32))
    return pb_utils.InferenceRequest(model_name=model, requested_output_names=["OUT"], inputs=[tensor], **more)

def repeated(self, count):
    inputs = [pb_utils.Tensor(name, np.array([value], dtype=np.int32)) for name, value in (("TOKEN", 7), ("COUNT", count))]
    return pb_utils.InferenceRequest(model_name="repeat", requested_output_names=["INDEX"], inputs=inputs)

def indices(self, responses):
    return [int(response.output_tensors()[0].as_numpy()[0]) for response in responses if response.output_tensors()]
`;

test('a model calls others and gets answers, streams and their own errors', LIMIT, async () => {
  const model = askable(`${CALLS}
def one(self, request):
    called = self.request("echo", trace=request.trace(), timeout=5000000, request_id="inner", parameters={"p": 1},
        preferred_memory=pb_utils.PreferredMemory(pb_utils.TRITONSERVER_MEMORY_CPU, 0)).exec()
    return [pb_utils.get_output_tensor_by_name(called, "OUT").as_numpy().tolist(),
            pb_utils.get_output_tensor_by_name(called, "NONE")]

def stream(self, _):
    return self.indices(self.repeated(5).exec(decoupled=True))

def not_as_stream(self, _):
    return self.repeated(5).exec().error().code()

def cancelled(self, _):
    responses = self.repeated(1000000).exec(decoupled=True)
    next(responses)
    responses.cancel()
    return [response.error().code() for response in responses if response.has_error()]

def nobody(self, _):
    return self.request("nobody").exec().error().code()

def wrong_input(self, _):
    tensor = pb_utils.Tensor("WHAT", np.array([5], dtype=np.int32))
    called = pb_utils.InferenceRequest(model_name="echo", requested_output_names=["OUT"], inputs=[tensor]).exec()
    return called.error().code()

def no_name(self, _):
    pb_utils.InferenceRequest(requested_output_names=["OUT"], inputs=[])

def no_inputs(self, _):
    pb_utils.InferenceRequest(model_name="echo", requested_output_names=["OUT"])

def own_loop(self, _):
    async def calls():
        answers = await asyncio.gather(*(self.request("echo").async_exec() for _ in range(8)))
        return [int(answer.output_tensors()[0].as_numpy()[0]) for answer in answers]
    return asyncio.run(calls())

def ready(self, _):
    return [pb_utils.is_model_ready("echo"), pb_utils.is_model_ready("echo", "1"), pb_utils.is_model_ready("echo", "9"),
            pb_utils.is_model_ready("nobody")]

def load(self, _):
    pb_utils.load_model("echo")
`);
  await withModel(model, async ({ ask }) => {
    assert.deepEqual(await ask('one'), [[5], null]);
    assert.deepEqual(await ask('stream'), [0, 1, 2, 3, 4]);
    assert.equal(await ask('not_as_stream'), 'UNSUPPORTED');
    assert.deepEqual(await ask('cancelled'), ['CANCELLED']);
    assert.equal(await ask('nobody'), 'NOT_FOUND');
    assert.equal(await ask('wrong_input'), 'INVALID_ARG');
    assert.match(String(await ask('no_name')), /INVALID_ARG: InferenceRequest: model_name/);
    assert.match(String(await ask('no_inputs')), /INVALID_ARG: InferenceRequest: inputs/);
    assert.deepEqual(
      await ask('own_loop'),
      Array.from({ length: 8 }, () => 5),
    );
    assert.deepEqual(await ask('ready'), [true, true, false, false]);
    assert.match(String(await ask('load')), /UNAVAILABLE: /);
  });
});

test(
  'a model with coroutines calls others, with for and async for, while it takes more requests',
  LIMIT,
  async () => {
    const model = askable(
      `${CALLS}
async def one(self, _):
    return int((await self.request("echo").async_exec()).output_tensors()[0].as_numpy()[0])

async def by_for(self, _):
    return sum(self.indices(await self.repeated(4).async_exec(decoupled=True))) - 1

async def by_async_for(self, _):
    total = -1
    async for response in await self.repeated(4).async_exec(decoupled=True):
        total += sum(self.indices([response]))
    return total

async def by_exec(self, _):
    return int(self.request("echo").exec().output_tensors()[0].as_numpy()[0])
`,
      'async def execute',
      'await ',
    );
    await withModel(
      model,
      async ({ ask }) => {
        const methods = Array.from(
          { length: 40 },
          (_, index) => ['one', 'by_exec', 'by_for', 'by_async_for'][index % 4] ?? '',
        );
        assert.deepEqual(
          await Promise.all(methods.map((method) => ask(method))),
          methods.map(() => 5),
        );
      },
      { config: pythonConfig('STRING', '', 1) },
    );
  },
);

test('a model that is not decoupled may use a sender, once', LIMIT, async () => {
  const model = `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            said = []
            for response, flags in ((None, 0), (None, 1), (None, 7)):
                try:
                    sender.send(response, flags)
                except pb_utils.TritonModelException as error:
                    said.append(str(error))
            said.append(request.inputs()[0].as_numpy()[0].decode())
            sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("OUT", np.array(said, dtype=object))]))
            try:
                sender.send(pb_utils.InferenceResponse([]))
                print("not refused")
            except pb_utils.TritonModelException as error:
                print("second:", error)
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        return [None] * len(requests)
`;
  await withModel(model, async ({ client, server }) => {
    for (const text of ['a', 'b']) {
      const said = (await client.infer('asked', [InferInput.from('IN', [text])])).asStrings('OUT');
      assert.deepEqual(said, [
        'Inference Response object must be provided when the response flags is set to zero.',
        'Unable to send response. Non-decoupled model cannot send complete final before sending a response.',
        'Unable to send response. Unsupported flag provided.',
        text,
      ]);
    }
    assert.match(
      server.output(),
      /second: Unable to send response. Non-decoupled model cannot send more than one/,
    );
  });
});

test('what auto_complete_config may not do fails the load with a reason', LIMIT, async () => {
  const input = '{"name": "IN", "data_type": "TYPE_STRING", "dims": [-1]}';
  const wrong: Readonly<Record<string, readonly [body: string, reason: RegExp]>> = {
    missing: ['config.add_input({"name": "IN"}); return config', /expected .*data_type.*dims/],
    extra: [`config.add_input({**${input}, "color": 1}); return config`, /unknown: \['color'\]/],
    dims: [`config.add_input({**${input}, "dims": [3]}); return config`, /has dims \[-1\].* but \[3\]/],
    datatype: [
      `config.add_input({**${input}, "data_type": "TYPE_FP32"}); return config`,
      /has data_type TYPE_STRING.*TYPE_FP32/,
    ],
    'no datatype': [
      'config.add_input({"name": "X", "data_type": "FP32", "dims": [1]}); return config',
      /gave input .*"data_type":"FP32".*expected .*such as TYPE_FP32/,
    ],
    'no dims': [
      'config.add_input({"name": "X", "data_type": "TYPE_FP32", "dims": [1.5]}); return config',
      /gave input .*"dims":\[1\.5\].*expected .*dims \(integers\)/,
    ],
    decoupled: [
      'config.set_model_transaction_policy({"decoupled": True, "x": 1}); return config',
      /transaction policy has the keys/,
    ],
    nothing: ['pass', /must return the configuration/],
    raising: ['raise RuntimeError("no idea")', /RuntimeError: no idea/],
  };
  await using repository = makeRepository();
  for (const [name, [body]] of Object.entries(wrong)) {
    repository.write(name, {
      'config.pbtxt': pythonConfig('STRING'),
      '1/model.py': `${ECHO_MODEL}
    @staticmethod
    def auto_complete_config(config):
        ${body}
`,
    });
  }
  await using server = await servePython(repository, '--model-control-mode=explicit');
  await withClient(server, async (client) => {
    for (const [name, [, reason]] of Object.entries(wrong))
      await assert.rejects(client.loadModel(name), reason, name);
    assert.deepEqual(stubsOf(server), []);
  });
});

test(
  'a result of another length, and one that is no response, fail all requests of the batch',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    const bodies = { short: 'return []', nothing: 'return None', wrong: 'return [1]', none: 'return [None]' };
    for (const [name, body] of Object.entries(bodies)) {
      repository.write(name, {
        'config.pbtxt': pythonConfig('INT32'),
        '1/model.py': `${IMPORTS}\nclass TritonPythonModel:\n    def execute(self, requests):\n        ${body}\n`,
      });
    }
    await using server = await servePython(repository);
    const client = new HttpClient(server.http);
    try {
      for (const [name, reason] of Object.entries({
        short: /must return a list of 1 responses, found 0 responses/,
        nothing: /must return a list of 1 responses, found NoneType/,
        wrong: /expected an InferenceResponse, found int/,
        none: /expected an InferenceResponse, found NoneType/,
      })) {
        await assert.rejects(
          client.infer(name, [InferInput.from('IN', new Int32Array([1]))]),
          (error: unknown) => error instanceof InferenceServerError && reason.test(error.message),
          name,
        );
      }
    } finally {
      await client.close();
    }
  },
);
