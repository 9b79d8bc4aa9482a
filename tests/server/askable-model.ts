/** A Python model that runs those of its methods that it is asked for, beside one that echoes and one that repeats. */
import { HttpClient, InferInput } from '@nereid/client';
import { makeRepository } from './make-repository.ts';
import { IMPORTS, pythonConfig, servePython } from './python-models.ts';
import { repeatModel } from './script-models.ts';
import type { RunningServer } from './start-server.ts';

export const ECHO_MODEL = `${IMPORTS}
class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", r.inputs()[0].as_numpy())]) for r in requests]
`;

/** A model whose methods, named by the input, answer with what they return, or the exception they raise, as JSON. */
export function askable(methods: string, execute = 'def execute', wait = ''): string {
  const body = methods
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `    ${line}`))
    .join('\n');
  return `import asyncio, json, sys, threading
${IMPORTS}
class TritonPythonModel:
    ${execute}(self, requests):
        return [${wait}self.answer(request) for request in requests]

    ${execute.replace('execute', 'answer')}(self, request):
        try:
            value = ${wait}getattr(self, request.inputs()[0].as_numpy()[0].decode())(request)
        except Exception as error:
            code = error.code() if hasattr(error, "code") else type(error).__name__
            value = f"{code}: {error}"
        text = np.array([json.dumps(value).encode()], dtype=object)
        return pb_utils.InferenceResponse([pb_utils.Tensor("OUT", text)])

${body}
`;
}

export interface Asked {
  readonly server: RunningServer;
  readonly client: HttpClient;
  /** What a method of the model returned. */
  ask(method: string, options?: Parameters<HttpClient['infer']>[2]): Promise<unknown>;
}

/** Serves the model as `asked`, beside `echo` (INT32) and `repeat`, which is decoupled. */
export async function withModel(
  model: string,
  use: (asked: Asked) => Promise<void>,
  more: { readonly config?: string; readonly flags?: readonly string[] } = {},
): Promise<void> {
  await using repository = makeRepository();
  repository.write('asked', { 'config.pbtxt': more.config ?? pythonConfig('STRING'), '1/model.py': model });
  repository.write('echo', { 'config.pbtxt': pythonConfig('INT32'), '1/model.py': ECHO_MODEL });
  repository.write('repeat', repeatModel());
  await using server = await servePython(repository, ...(more.flags ?? []));
  const client = new HttpClient(server.http);
  const ask: Asked['ask'] = async (method, options) => {
    const result = await client.infer('asked', [InferInput.from('IN', [method])], options);
    return JSON.parse(result.asStrings('OUT')[0] ?? 'null');
  };
  try {
    await use({ server, client, ask });
  } finally {
    await client.close();
  }
}
