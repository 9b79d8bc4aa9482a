import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { status, type ClientDuplexStream, type Metadata, type StatusObject } from '@grpc/grpc-js';
import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import { decodeModelStreamInferResponse } from '@nereid/protocol/grpc';
import { errorResponse, type ResponseHandler } from '../../response/inference-response.ts';
import {
  inferRequest,
  metadataOf,
  responseOf,
  servedModel,
  startServer,
  type ServerUnderTest,
} from './testing/fake-services.ts';

const PATH = '/inference.GRPCInferenceService/ModelStreamInfer';

/** An inference that the test answers itself. */
interface Accepted {
  readonly message: InferRequestMessage;
  readonly respond: ResponseHandler;
  cancelled: boolean;
}

interface StreamUnderTest extends ServerUnderTest {
  readonly call: ClientDuplexStream<Buffer, Buffer>;
  /** Inferences in the order they were accepted. */
  readonly accepted: Accepted[];
  /** Resolves with the n-th accepted inference. */
  accept(index: number): Promise<Accepted>;
  /** Answers so far: `id: what came`. */
  readonly answers: string[];
  /** Resolves when there are so many answers. */
  answered(count: number): Promise<void>;
  /** Resolves with the status the stream ended with. */
  end(): Promise<StatusObject>;
}

async function openStream(t: TestContext, metadata: Metadata = metadataOf({})): Promise<StreamUnderTest> {
  const accepted: Accepted[] = [];
  const answers: string[] = [];
  const changes = new EventTarget();
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await once(changes, 'change');
  };
  const changed = (): boolean => changes.dispatchEvent(new Event('change'));
  const started = await startServer(t, {
    inference: {
      getModel: (name) => {
        if (name === 'none') throw new InferenceServerError('NOT_FOUND', 'no such model');
        return servedModel({ name, decoupled: name.startsWith('decoupled') });
      },
      infer: (_model, message, respond) => {
        if (message.id === 'full') throw new InferenceServerError('UNAVAILABLE', 'queue is full');
        const inference: Accepted = { message, respond, cancelled: false };
        accepted.push(inference);
        changed();
        return {
          cancel: () => {
            inference.cancelled = true;
            changed();
          },
        };
      },
    },
  });
  const same = (bytes: Buffer): Buffer => bytes;
  const call = started.client.makeBidiStreamRequest(PATH, same, same, metadata);
  const ended = Promise.withResolvers<StatusObject>();
  call.on('status', ended.resolve);
  call.on('error', () => undefined);
  call.on('data', (bytes: Buffer) => {
    answers.push(describe(bytes));
    changed();
  });
  return {
    ...started,
    call,
    accepted,
    answers,
    accept: async (index) => {
      await until(() => accepted.length > index);
      const inference = accepted[index];
      assert.ok(inference);
      return inference;
    },
    answered: (count) => until(() => answers.length >= count),
    end: () => ended.promise,
  };
}

/** `id model/version [values] final` or `id model/version error: text final` */
function describe(bytes: Buffer): string {
  const { errorMessage, response, final } = decodeModelStreamInferResponse(bytes);
  assert.ok(response);
  const what = errorMessage
    ? `error: ${errorMessage}`
    : `[${response.outputs.flatMap(({ data }) => [...data]).join()}]`;
  const ending = final === undefined ? '' : final ? ' final' : ' more';
  return `${response.id} ${response.modelName}/${response.modelVersion} ${what}${ending}`;
}

test('answers each request with its final response, and ends with OK when the client is done', async (t) => {
  const stream = await openStream(t);
  for (const id of ['a', 'b']) stream.call.write(inferRequest({ id }));
  stream.call.end();
  (await stream.accept(0)).respond(responseOf(1), true);
  (await stream.accept(1)).respond(responseOf(2), true);
  assert.equal((await stream.end()).code, status.OK);
  assert.deepEqual(stream.answers, ['a m/1 [1] final', 'b m/1 [2] final']);
});

test('ends a stream without requests with OK', async (t) => {
  const stream = await openStream(t);
  stream.call.end();
  assert.equal((await stream.end()).code, status.OK);
  assert.deepEqual(stream.answers, []);
});

test('answers ordinary models in the order of the requests, and refused requests among them', async (t) => {
  const stream = await openStream(t);
  for (const id of ['a', 'full', 'b', 'c']) stream.call.write(inferRequest({ id }));
  (await stream.accept(2)).respond(responseOf(3), true);
  (await stream.accept(1)).respond(responseOf(2), true);
  (await stream.accept(0)).respond(responseOf(1), true);
  stream.call.end();
  assert.equal((await stream.end()).code, status.OK);
  assert.deepEqual(stream.answers, [
    'a m/1 [1] final',
    'full / error: queue is full',
    'b m/1 [2] final',
    'c m/1 [3] final',
  ]);
});

test('lets responses of decoupled models pass requests that still run', async (t) => {
  const stream = await openStream(t);
  stream.call.write(inferRequest({ id: 'slow' }));
  stream.call.write(inferRequest({ id: 'a', modelName: 'decoupled' }));
  stream.call.write(inferRequest({ id: 'b', modelName: 'decoupled' }));
  const [slow, a, b] = [await stream.accept(0), await stream.accept(1), await stream.accept(2)];
  b.respond(responseOf(1), false);
  a.respond(responseOf(2), false);
  b.respond(responseOf(3), true);
  a.respond(undefined, true);
  slow.respond(responseOf(4), true);
  stream.call.end();
  await stream.end();
  assert.deepEqual(stream.answers, [
    'b decoupled/1 [1] more',
    'a decoupled/1 [2] more',
    'b decoupled/1 [3] final',
    'slow m/1 [4] final',
  ]);
});

test('sends an empty final response only when a request to a decoupled model asked for it', async (t) => {
  const stream = await openStream(t);
  const wanted = { enableEmptyFinalResponse: true };
  stream.call.write(inferRequest({ id: 'a', modelName: 'decoupled', ...wanted }));
  stream.call.write(inferRequest({ id: 'b', modelName: 'decoupled', modelVersion: '1', ...wanted }));
  stream.call.write(inferRequest({ id: 'c', modelName: 'decoupled' }));
  stream.call.write(inferRequest({ id: 'd', ...wanted }));
  stream.call.end();
  for (const index of [0, 1, 2, 3]) (await stream.accept(index)).respond(undefined, true);
  assert.equal((await stream.end()).code, status.OK);
  assert.deepEqual(stream.answers, ['a decoupled/ [] final', 'b decoupled/1 [] final']);
});

test('answers errors in band and goes on', async (t) => {
  const stream = await openStream(t);
  stream.call.write(inferRequest({ id: 'x', modelName: 'none' }));
  stream.call.write(Buffer.from('1a0179ffffffffff', 'hex'));
  stream.call.write(inferRequest({ id: 'z' }));
  stream.call.write(inferRequest({ id: 'd', modelName: 'decoupled' }));
  stream.call.end();
  const failure = errorResponse(new InferenceServerError('INTERNAL', 'refused element'));
  (await stream.accept(0)).respond(failure, true);
  (await stream.accept(1)).respond(failure, false);
  (await stream.accept(1)).respond(responseOf(2), true);
  assert.equal((await stream.end()).code, status.OK);
  assert.deepEqual(stream.answers, [
    'x / error: no such model',
    'y / error: Unable to parse request',
    'z m/ error: refused element final',
    'd decoupled/ error: refused element more',
    'd decoupled/1 [2] final',
  ]);
});

test('ends the stream with the error of a model when the client asked for it', async (t) => {
  const stream = await openStream(t, metadataOf({ triton_grpc_error: 'true' }));
  stream.call.write(inferRequest({ id: 'x', modelName: 'none' }));
  stream.call.write(inferRequest({ id: 'a' }));
  stream.call.write(inferRequest({ id: 'b', modelName: 'decoupled' }));
  const [a, b] = [await stream.accept(0), await stream.accept(1)];
  a.respond(errorResponse(new InferenceServerError('INTERNAL', 'model answered with an error')), true);
  b.respond(responseOf(1), true);
  const { code, details } = await stream.end();
  assert.equal(code, status.INTERNAL);
  assert.equal(details, 'model answered with an error');
  assert.equal(b.cancelled, true);
  assert.deepEqual(stream.answers, ['x / error: no such model']);
});

test('cancels all its requests when the client cancels the stream', async (t) => {
  const stream = await openStream(t);
  stream.call.write(inferRequest({ id: 'a' }));
  stream.call.write(inferRequest({ id: 'b', modelName: 'decoupled' }));
  const [a, b] = [await stream.accept(0), await stream.accept(1)];
  b.respond(responseOf(1), false);
  await stream.answered(1);
  stream.call.cancel();
  assert.equal((await stream.end()).code, status.CANCELLED);
  while (!a.cancelled || !b.cancelled) await new Promise(setImmediate);
  b.respond(responseOf(2), true);
});

test('takes no more requests while the client does not read its answers', async (t) => {
  const stream = await openStream(t);
  const large = responseOf(...new Array<number>(2 ** 16).fill(1));
  stream.call.pause();
  for (let index = 0; index < 200; index += 1) stream.call.write(inferRequest({ id: String(index) }));
  stream.call.end();
  let next = 0;
  let idleTurns = 0;
  while (idleTurns < 200) {
    const inference = stream.accepted[next];
    idleTurns = inference === undefined ? idleTurns + 1 : 0;
    if (inference !== undefined) next += 1;
    inference?.respond(large, true);
    await new Promise(setImmediate);
  }
  const takenWhilePaused = next;
  assert.ok(takenWhilePaused < 150, `took ${String(takenWhilePaused)} of 200 requests`);
  stream.call.resume();
  for (; next < 200; next += 1) (await stream.accept(next)).respond(responseOf(1), true);
  assert.equal((await stream.end()).code, status.OK);
  assert.equal(stream.answers.length, 200);
});

test('a closing server lets what runs on a stream end, then ends the stream', async (t) => {
  const stream = await openStream(t);
  stream.call.write(inferRequest({ id: 'a' }));
  const a = await stream.accept(0);
  const closed = stream.server.close(10_000);
  a.respond(responseOf(1), true);
  await closed;
  assert.equal((await stream.end()).code, status.UNAVAILABLE);
  assert.deepEqual(stream.answers, ['a m/1 [1] final']);
});
