import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Client, compressionAlgorithms, credentials, status } from '@grpc/grpc-js';
import { InferenceServerError, type InferRequestMessage, type InferResponseMessage } from '@nereid/protocol';
import { decodeModelInferResponse } from '@nereid/protocol/grpc';
import { errorResponse } from '../../response/inference-response.ts';
import type { InferenceService } from '../../service/inference-service.ts';
import {
  callRaw,
  inferRequest,
  metadataOf,
  responseOf,
  servedModel,
  startServer,
  X,
} from './testing/fake-services.ts';

const PATH = '/inference.GRPCInferenceService/ModelInfer';
const NOT_CANCELLED = { cancel: () => undefined };

async function infer(
  client: Client,
  request: Buffer,
  metadata = metadataOf({}),
): Promise<InferResponseMessage> {
  return decodeModelInferResponse(await callRaw(client, PATH, request, metadata));
}

test('answers with the response of the model, its name and version, and the id of the request', async (t) => {
  const seen: InferRequestMessage[] = [];
  const inference: InferenceService = {
    getModel: (name, version) => servedModel({ name, version: version === '' ? '3' : version }),
    infer: (_model, message, handler) => {
      seen.push(message);
      handler({ ...responseOf(7, 8), parameters: { cost: 1.5 } }, true);
      return NOT_CANCELLED;
    },
  };
  const { client } = await startServer(t, { inference });

  const response = await infer(client, inferRequest({ id: 'g-1' }));

  assert.deepEqual(seen[0]?.inputs[0]?.data, Buffer.from(X.data));
  assert.equal(response.modelName, 'm');
  assert.equal(response.modelVersion, '3');
  assert.equal(response.id, 'g-1');
  assert.deepEqual(response.parameters, { cost: 1.5 });
  assert.deepEqual([...(response.outputs[0]?.data ?? [])], [7, 8]);
});

test('answers with the first response when the final flag comes after it', async (t) => {
  const { client } = await startServer(t, {
    inference: {
      getModel: () => servedModel(),
      infer: (_model, _message, handler) => {
        setImmediate(() => {
          handler(responseOf(1), false);
          handler(undefined, true);
        });
        return NOT_CANCELLED;
      },
    },
  });
  const response = await infer(client, inferRequest());
  assert.deepEqual([...(response.outputs[0]?.data ?? [])], [1]);
});

test('gives the status of a refused request, of a failed one, and of one without a response', async (t) => {
  const { client } = await startServer(t, {
    inference: {
      getModel: (name) => {
        if (name === 'none') {
          throw new InferenceServerError('NOT_FOUND', "Request for unknown model: 'none' is not found");
        }
        return servedModel({ name });
      },
      infer: (model, _message, handler) => {
        if (model.name === 'full')
          throw new InferenceServerError('UNAVAILABLE', 'Exceeds maximum queue size');
        handler(
          model.name === 'empty'
            ? undefined
            : errorResponse(new InferenceServerError('INTERNAL', 'model \ud800 failed')),
          true,
        );
        return NOT_CANCELLED;
      },
    },
  });
  await assert.rejects(infer(client, inferRequest({ modelName: 'none' })), {
    code: status.NOT_FOUND,
    details: "Request for unknown model: 'none' is not found",
  });
  await assert.rejects(infer(client, inferRequest({ modelName: 'full' })), { code: status.UNAVAILABLE });
  await assert.rejects(infer(client, inferRequest({ modelName: 'bad' })), {
    code: status.INTERNAL,
    details: 'model \ufffd failed',
  });
  await assert.rejects(infer(client, inferRequest({ modelName: 'empty' })), {
    code: status.INTERNAL,
    details: "model 'empty' ended a request without a response",
  });
});

test('refuses decoupled models', async (t) => {
  const { client } = await startServer(t, {
    inference: { getModel: () => servedModel({ decoupled: true }) },
  });
  await assert.rejects(infer(client, inferRequest()), {
    code: status.UNIMPLEMENTED,
    details: "ModelInfer RPC doesn't support models with decoupled transaction policy",
  });
});

test('answers bytes that are no request with INTERNAL, and looks an empty request up', async (t) => {
  const { client } = await startServer(t, {
    inference: {
      getModel: (name) => {
        throw new InferenceServerError('NOT_FOUND', `Request for unknown model: '${name}' is not found`);
      },
    },
  });
  await assert.rejects(infer(client, Buffer.from('ffffffffff', 'hex')), {
    code: status.INTERNAL,
    details: 'Unable to parse request',
  });
  await assert.rejects(infer(client, Buffer.alloc(0)), { code: status.NOT_FOUND });
});

test('logs what is not an InferenceServerError and answers INTERNAL', async (t) => {
  const lines: string[] = [];
  const { client } = await startServer(t, {
    inference: {
      getModel: () => {
        throw new TypeError('oops');
      },
    },
    logger: { error: (message) => lines.push(message) },
  });
  await assert.rejects(infer(client, inferRequest()), { code: status.INTERNAL, details: 'oops' });
  assert.deepEqual(lines, ['unexpected error in a gRPC call: oops']);
});

test('makes matching metadata request parameters', async (t) => {
  let seen: InferRequestMessage['parameters'];
  const inference: InferenceService = {
    getModel: () => servedModel(),
    infer: (_model, message, handler) => {
      seen = message.parameters;
      handler(responseOf(), true);
      return NOT_CANCELLED;
    },
  };
  const { client } = await startServer(t, { inference }, { headerForwardPattern: /(my-header|x-.*)/i });
  const metadata = metadataOf({ 'my-header': 'one', 'x-other': 'two', unrelated: 'three' });
  await infer(client, inferRequest({ parameters: { own: 1 } }), metadata);
  assert.deepEqual(seen, { own: 1, 'my-header': 'one', 'x-other': 'two' });
});

function waitUntilConnected(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + 30_000, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

for (const [how, deadline, code] of [
  ['the client cancels', undefined, status.CANCELLED],
  ['the deadline of the client passes', 300, status.DEADLINE_EXCEEDED],
] as const) {
  test(`cancels the inference when ${how}`, async (t) => {
    const started = Promise.withResolvers<undefined>();
    const cancelled = Promise.withResolvers<undefined>();
    const { client } = await startServer(t, {
      inference: {
        getModel: () => servedModel(),
        infer: () => {
          started.resolve(undefined);
          return {
            cancel: () => {
              cancelled.resolve(undefined);
            },
          };
        },
      },
    });
    // Else a busy machine may spend the whole time on connecting.
    await waitUntilConnected(client);
    const same = (bytes: Buffer): Buffer => bytes;
    const options = deadline === undefined ? {} : { deadline: Date.now() + deadline };
    const call = client.makeUnaryRequest(PATH, same, same, inferRequest(), options, () => undefined);
    await started.promise;
    if (deadline === undefined) call.cancel();
    const [end] = await once(call, 'status');
    assert.equal((end as { code: number }).code, code);
    await cancelled.promise;
  });
}

test('a client that cancels thousands of calls keeps its connection', async (t) => {
  const { client } = await startServer(t, {
    inference: {
      getModel: () => servedModel(),
      infer: (_model, { id }, handler) => {
        if (id === 'last') setImmediate(() => handler(responseOf(1), true));
        return NOT_CANCELLED;
      },
    },
  });
  const same = (bytes: Buffer): Buffer => bytes;
  for (let round = 0; round < 30; round += 1) {
    const calls = Array.from({ length: 100 }, () =>
      client.makeUnaryRequest(PATH, same, same, inferRequest(), () => undefined),
    );
    // Sent, so that the server sees each of them begin and end.
    await new Promise((resolve) => setImmediate(resolve));
    for (const call of calls) call.cancel();
    await Promise.all(calls.map((call) => once(call, 'status')));
  }
  await infer(client, inferRequest({ id: 'last' }));
});

test('does not cancel an inference that was answered', async (t) => {
  let cancels = 0;
  const { client } = await startServer(t, {
    inference: {
      getModel: () => servedModel(),
      infer: (_model, _message, handler) => {
        setImmediate(() => {
          handler(responseOf(1), true);
        });
        return {
          cancel: () => {
            cancels += 1;
          },
        };
      },
    },
  });
  await infer(client, inferRequest());
  await infer(client, inferRequest());
  assert.equal(cancels, 0);
});

test('carries messages far above 4 MiB both ways', async (t) => {
  const { port } = await startServer(t, {
    inference: {
      getModel: () => servedModel(),
      infer: (_model, message, handler) => {
        handler(
          { ...responseOf(), outputs: [{ ...X, data: message.inputs[0]?.data ?? new Uint8Array() }] },
          true,
        );
        return NOT_CANCELLED;
      },
    },
  });
  const big = new Client(`127.0.0.1:${String(port)}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  t.after(() => {
    big.close();
  });
  const data = new Uint8Array(20 * 2 ** 20).fill(3);
  const response = await infer(big, inferRequest({ inputs: [{ ...X, shape: [data.length], data }] }));
  assert.equal(response.outputs[0]?.data.length, data.length);
});

test('takes compressed requests', async (t) => {
  const { port } = await startServer(t, {
    inference: {
      getModel: () => servedModel(),
      infer: (_model, message, handler) => {
        handler(responseOf(message.inputs[0]?.data?.length ?? 0), true);
        return NOT_CANCELLED;
      },
    },
  });
  for (const algorithm of [compressionAlgorithms.deflate, compressionAlgorithms.gzip]) {
    const client = new Client(`127.0.0.1:${String(port)}`, credentials.createInsecure(), {
      'grpc.default_compression_algorithm': algorithm,
    });
    t.after(() => {
      client.close();
    });
    const response = await infer(client, inferRequest());
    assert.deepEqual([...(response.outputs[0]?.data ?? [])], [X.data.length]);
  }
});
