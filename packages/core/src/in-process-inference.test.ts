import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import { createModelConfig } from '@nereid/protocol/model-config';
import { inferMany, inferOnce, responsesOf, toMessage, type InProcessParts } from './in-process-inference.ts';
import type { ResponseHandler } from './response/inference-response.ts';
import type { InferenceService, ServedModel } from './service/inference-service.ts';
import { collectingTracer } from './telemetry/testing/collecting-tracer.ts';

const MODEL: ServedModel = { name: 'm', version: '1', config: createModelConfig(), decoupled: true };
const REQUEST = { modelName: 'm', inputs: [] };
const RESPONSE = { outputs: [], parameters: undefined, error: undefined };

type Infer = (
  message: InferRequestMessage,
  handler: ResponseHandler,
) => ReturnType<InferenceService['infer']>;

function createParts(infer: Infer, tracer: InProcessParts['tracer'], model = MODEL): InProcessParts {
  return {
    tracer,
    inference: { getModel: () => model, infer: (_model, message, handler) => infer(message, handler) },
  };
}

test('the trace of a request that is refused at once is ended', async () => {
  const { tracer, next } = collectingTracer();
  const refuse = (): never => {
    throw new InferenceServerError('UNAVAILABLE', 'queue is full');
  };
  const parts = createParts(refuse, tracer, { ...MODEL, decoupled: false });
  await assert.rejects(inferOnce(parts, REQUEST), { message: 'queue is full' });
  assert.equal((await next()).error, 'queue is full');
});

test('a decoupled model is held back while its responses are not taken, and goes on after', async () => {
  const pauses: boolean[] = [];
  let respond: ResponseHandler = () => undefined;
  const parts = createParts((_message, handler) => {
    respond = handler;
    return { cancel: () => undefined, pause: (isPaused) => void pauses.push(isPaused) };
  }, collectingTracer().tracer);
  const responses = inferMany(parts, REQUEST);
  const first = responses.next();
  respond(RESPONSE, false);
  await first;
  pauses.length = 0;
  for (let count = 0; count < 20; count += 1) respond(RESPONSE, false);
  assert.deepEqual(pauses, [true]);
  for (let count = 0; count < 20; count += 1) await responses.next();
  assert.deepEqual(pauses, [true]);
  const next = responses.next();
  await Promise.resolve();
  assert.deepEqual(pauses, [true, false]);
  respond(undefined, true);
  assert.equal((await next).done, true);
});

test('a request is given up when its time is over, also by a model that does not heed the cancellation', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let cancelled = 0;
  let respond: ResponseHandler = () => undefined;
  const { inference } = createParts((_message, handler) => {
    respond = handler;
    return { cancel: () => void (cancelled += 1) };
  }, collectingTracer().tracer);
  const error = new InferenceServerError('UNAVAILABLE', 'too late');
  const extras = { signal: undefined, trace: undefined, timeLimit: { us: 200_000, error } };
  const responses = responsesOf(inference, MODEL, toMessage(REQUEST), extras);
  const first = responses.next();
  respond(RESPONSE, false);
  assert.equal((await first).value, RESPONSE);
  const second = responses.next();
  context.mock.timers.tick(199);
  assert.equal(cancelled, 0);
  context.mock.timers.tick(1);
  assert.equal(cancelled, 1);
  await assert.rejects(second, error);
  respond(RESPONSE, true);
  assert.equal((await responses.next()).done, true);
});
