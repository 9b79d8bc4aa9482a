/** Numbers and text of Python models that JSON would change, or can't have, on their way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askable, withModel } from '../server/askable-model.ts';
import { pythonConfig } from '../server/python-models.ts';

const LIMIT = { timeout: 90_000 };

/** Sends a body as it is, as clients would round its numbers. */
async function post(url: string, parameters: string, method: string): Promise<string> {
  const inputs = JSON.stringify([{ name: 'IN', datatype: 'BYTES', shape: [1], data: [method] }]);
  const answer = await fetch(`${url}/v2/models/asked/infer`, {
    method: 'POST',
    body: `{"parameters":${parameters},"inputs":${inputs}}`,
  });
  return answer.text();
}

test('integers of parameters and correlation ids arrive as they were sent', LIMIT, async () => {
  const model = askable(`
def given(self, request):
    return [request.parameters(), str(request.correlation_id())]

def called(self, request):
    tensor = pb_utils.Tensor("IN", np.array([b"given"], dtype=object))
    call = pb_utils.InferenceRequest(model_name="asked", requested_output_names=["OUT"], inputs=[tensor],
        parameters={"n": 2**53 + 1}, correlation_id=2**64 - 1, flags=3)
    return json.loads(call.exec().output_tensors()[0].as_numpy()[0])
`).replace(
    'pb_utils.Tensor("OUT", text)])',
    'pb_utils.Tensor("OUT", text)], parameters={"low": -2**63, "high": 2**63 - 1})',
  );
  await withModel(
    model,
    async ({ server, ask }) => {
      const answer = await post(server.http, '{"n":9007199254740993,"low":-9223372036854775808}', 'given');
      assert.ok(
        answer.includes(String.raw`{\\\"n\\\": 9007199254740993, \\\"low\\\": -9223372036854775808}`),
        answer,
      );
      assert.ok(answer.includes('"low":-9223372036854775808,"high":9223372036854775807'), answer);
      assert.deepEqual(await ask('called'), ['{"n": 9007199254740993}', '18446744073709551615']);
    },
    { config: pythonConfig('STRING', '', 2) },
  );
});

test('what can not be a parameter or an id is refused by name', LIMIT, async () => {
  const wrong: Readonly<Record<string, readonly [python: string, reason: RegExp]>> = {
    nan: ['{"p": float("nan")}', /'p': expected .* finite float, found nan of type float/],
    list: ['{"p": [1]}', /'p': .*found \[1\] of type list/],
    none: ['{"p": None}', /'p': .*found None of type NoneType/],
    numpy: ['{"p": np.int64(3)}', /'p': .*of type int64/],
    wide: ['{"p": 2**63}', /'p': .*64-bit int.*found 9223372036854775808/],
    key: ['{1: "x"}', /expected keys of type str, found 1 of type int/],
    text: ['"p"', /expected a dict, found str/],
  };
  const methods = Object.entries(wrong).map(
    ([name, [python]]) => `
def ${name}(self, _):
    pb_utils.InferenceResponse([], parameters=${python})

def call_${name}(self, _):
    pb_utils.InferenceRequest(model_name="echo", requested_output_names=[], inputs=[], parameters=${python})
`,
  );
  const model = askable(`${methods.join('')}
def negative_id(self, _):
    pb_utils.InferenceRequest(model_name="echo", requested_output_names=[], inputs=[], correlation_id=-1)
`);
  await withModel(model, async ({ ask }) => {
    for (const [name, [, reason]] of Object.entries(wrong)) {
      const [own, called] = [await ask(name), await ask(`call_${name}`)].map(String);
      assert.match(own ?? '', /^INVALID_ARG: response parameters: /, name);
      assert.match(own ?? '', reason, name);
      assert.match(called ?? '', /^INVALID_ARG: InferenceRequest: parameters: /, name);
      assert.match(called ?? '', reason, name);
    }
    assert.match(String(await ask('negative_id')), /correlation_id: expected an unsigned 64-bit integer/);
  });
});

test('text with half of a surrogate pair is no end of the process', LIMIT, async () => {
  const model =
    askable(`
def logged(self, _):
    pb_utils.Logger.log_info("file \\udcff.txt")
    return "logged"

def pid(self, _):
    import os
    return os.getpid()
`).replace('except Exception as error:', 'except KeyError as error:') +
    `
    def raised(self, _):
        raise RuntimeError("file \\udcff.txt")
`;
  await withModel(model, async ({ ask }) => {
    const before = await ask('pid');
    assert.equal(await ask('logged'), 'logged');
    await assert.rejects(ask('raised'), /RuntimeError: file .*\.txt/);
    assert.equal(await ask('pid'), before);
  });
});
