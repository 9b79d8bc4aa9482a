/** A Python model that says what a package of its environment says; the package is made by make-wheels.py. */
import { fileURLToPath } from 'node:url';
import { HttpClient, InferInput } from '@nereid/client';
import type { RunningServer } from '../server/start-server.ts';

export const MAKE_WHEELS = fileURLToPath(new URL('make-wheels.py', import.meta.url));

export const CONFIG = `backend: "python"
input [ { name: "IN" data_type: TYPE_INT32 dims: [ 1 ] } ]
output [ { name: "OUT" data_type: TYPE_STRING dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU count: 2 } ]
`;
export const MODEL = `import numpy as np
import triton_python_backend_utils as pb_utils
import greeting


class TritonPythonModel:
    def execute(self, requests):
        out = pb_utils.Tensor("OUT", np.array([greeting.TEXT], dtype=object))
        return [pb_utils.InferenceResponse([out]) for request in requests]
`;

/** What the model `m` says. */
export async function greet(server: RunningServer): Promise<readonly string[]> {
  const client = new HttpClient(server.http);
  try {
    return (await client.infer('m', [InferInput.from('IN', new Int32Array(1))])).asStrings('OUT');
  } finally {
    await client.close();
  }
}
