import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcClient, InferInput, InferenceServerError } from '@nereid/client';
import { askable, withModel } from '../server/askable-model.ts';

test('an error of a megabyte keeps its status over gRPC, and is cut', { timeout: 90_000 }, async () => {
  const model = askable(`
def long(self, _):
    raise pb_utils.TritonModelException("x" * 1000000, pb_utils.TritonError.NOT_FOUND)
`).replace('except Exception as error:', 'except KeyError as error:');
  await withModel(model, async ({ server }) => {
    const client = new GrpcClient(server.grpc);
    try {
      await assert.rejects(
        client.infer('asked', [InferInput.from('IN', ['long'])]),
        (error: unknown) =>
          error instanceof InferenceServerError &&
          error.code === 'NOT_FOUND' &&
          /^x+ \.\.\. \(of 1000000 characters\)$/.test(error.message),
      );
    } finally {
      await client.close();
    }
  });
});
