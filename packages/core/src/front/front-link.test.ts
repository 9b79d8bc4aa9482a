import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import {
  fakeServices,
  responseOf,
  servedModel,
  type FakeServices,
} from '../protocol/http/testing/fake-services.ts';
import type { InferenceResponse, ResponseHandler } from '../response/inference-response.ts';
import { FrontLink } from './front-link.ts';
import type { FromFront, ToFront } from './front-messages.ts';
import { RemoteInferenceService } from './remote-inference-service.ts';
import { ServingLink } from './serving-link.ts';

const MESSAGE: InferRequestMessage = {
  modelName: 'm',
  modelVersion: '',
  id: '42',
  inputs: [
    { name: 'A', datatype: 'UINT8', shape: [2], data: Uint8Array.of(1, 2) },
    { name: 'B', datatype: 'UINT8', shape: [4], sharedMemory: { region: 'r', byteSize: 4, offset: 8 } },
  ],
  outputs: [{ name: 'X', classification: 3, binaryData: true }],
  binaryDataOutput: true,
  priority: 7,
  timeoutUs: 5,
  sequence: { id: 2n ** 60n, start: true, end: false },
  parameters: { big: 2n ** 62n, text: 't' },
};

/** Both ends in one thread, with messages that are cloned as between two. */
function connect(fakes: FakeServices) {
  const { port1 } = new MessageChannel();
  let turns = 0;
  const services = fakeServices(fakes);
  const end = new FrontLink(services, (message: ToFront, transfer) => {
    const { kind, ...rest } = structuredClone({ ...message }, { transfer: [...transfer] });
    assert.ok(kind !== 'command');
    link.receive({ kind, ...rest } as Exclude<ToFront, { kind: 'command' }>);
  });
  const post = (message: FromFront, transfer: readonly ArrayBuffer[] = []): void => {
    const cloned = structuredClone(message, { transfer: [...transfer] });
    assert.equal(cloned.kind, 'turn');
    turns += 1;
    if (cloned.kind === 'turn') end.receive(cloned.items, cloned.buffers);
  };
  const answerCount = new Int32Array(new SharedArrayBuffer(4));
  const link = new ServingLink({ postMessage: post }, { answers: port1, answerCount });
  port1.close();
  const inference = new RemoteInferenceService(link, { modelChanges: new Int32Array(1) });
  return { inference, end, link, turns: () => turns };
}

/** Collects what a handler gets until the final response. */
function collect(): { handler: ResponseHandler; all: Promise<(InferenceResponse | undefined)[]> } {
  const responses: (InferenceResponse | undefined)[] = [];
  const { promise, resolve } = Promise.withResolvers<typeof responses>();
  return {
    all: promise,
    handler: (response, final) => {
      responses.push(response);
      if (final) resolve(responses);
    },
  };
}

test('an inference arrives as it was decoded, and its responses in order', async () => {
  let seen: InferRequestMessage | undefined;
  const output = { name: 'X', datatype: 'UINT8', shape: [1], data: Uint8Array.of(9) } as const;
  const { inference } = connect({
    inference: {
      getModel: () => servedModel(),
      infer: (_model, message, handler) => {
        seen = message;
        handler(responseOf(output), false);
        handler(undefined, true);
        return { cancel: () => undefined };
      },
    },
  });
  const { handler, all } = collect();
  inference.infer(servedModel(), MESSAGE, handler);
  assert.deepEqual(await all, [responseOf(output), undefined]);
  assert.deepEqual(seen, MESSAGE);
});

test('the requests of one turn leave in one message', async () => {
  const { inference, turns } = connect({
    inference: {
      getModel: () => servedModel(),
      infer: (_model, _message, handler) => {
        handler(responseOf(), true);
        return { cancel: () => undefined };
      },
    },
  });
  const collected = [collect(), collect(), collect()];
  for (const { handler } of collected) inference.infer(servedModel(), MESSAGE, handler);
  await Promise.all(collected.map(({ all }) => all));
  assert.equal(turns(), 1);
});

test('an answer that no message can carry is an error, and the others of its turn arrive', async () => {
  const odd = { note: () => 'no parameter' } as unknown as NonNullable<InferenceResponse['parameters']>;
  const { inference } = connect({
    inference: {
      getModel: () => servedModel(),
      infer: (_model, { id }, handler) => {
        handler(id === 'odd' ? { ...responseOf(), parameters: odd } : responseOf(), true);
        return { cancel: () => undefined };
      },
    },
  });
  const [bad, good] = [collect(), collect()];
  inference.infer(servedModel(), { ...MESSAGE, id: 'odd' }, bad.handler);
  inference.infer(servedModel(), MESSAGE, good.handler);
  assert.deepEqual(await good.all, [responseOf()]);
  const [failed] = await bad.all;
  assert.match(failed?.error?.message ?? '', /^the model's answer can't be sent: .*could not be cloned/);
});

test('a refusal keeps its code and is marked as one', async () => {
  const { inference } = connect({
    inference: {
      getModel: () => servedModel(),
      infer: () => {
        throw new InferenceServerError('UNAVAILABLE', 'queue is full');
      },
    },
  });
  const { handler, all } = collect();
  inference.infer(servedModel(), MESSAGE, handler);
  const [response] = await all;
  assert.equal(response?.isRefused, true);
  assert.equal(response?.error?.code, 'UNAVAILABLE');
  assert.equal(response?.error?.message, 'queue is full');
});

test('a break and a cancellation reach the inference', async () => {
  const events = new EventTarget();
  const told: unknown[] = [];
  const tell = (what: unknown): void => {
    told.push(what);
    if (told.length === 3) events.dispatchEvent(new Event('done'));
  };
  const { inference } = connect({
    inference: {
      getModel: () => servedModel({ decoupled: true }),
      infer: () => ({ cancel: () => tell('cancel'), pause: (isPaused) => tell(isPaused) }),
    },
  });
  const pending = inference.infer(servedModel(), MESSAGE, () => undefined);
  pending.pause?.(true);
  pending.pause?.(false);
  pending.cancel();
  await once(events, 'done');
  assert.deepEqual(told, [true, false, 'cancel']);
});

test('what a front that is gone has asked for is cancelled, and nothing is sent to it any more', async () => {
  const started = Promise.withResolvers<ResponseHandler>();
  let isCancelled = false;
  const { inference, end } = connect({
    inference: {
      getModel: () => servedModel(),
      infer: (_model, _message, handler) => {
        started.resolve(handler);
        return { cancel: () => (isCancelled = true) };
      },
    },
  });
  inference.infer(servedModel(), MESSAGE, () => assert.fail('answered'));
  const answer = await started.promise;
  end.end();
  assert.ok(isCancelled);
  answer(responseOf(), true);
  await new Promise(setImmediate);
});
