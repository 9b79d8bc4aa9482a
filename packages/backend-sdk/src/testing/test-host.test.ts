import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { BackendModelInstance } from '../backend.ts';
import { defineBackend } from '../define-backend.ts';
import { describeBackend } from './backend-conformance.ts';
import { createTestHost } from './test-host.ts';

const CONFIG = { config: { output: [{ name: 'Y' }] } };
const DECOUPLED = { config: { ...CONFIG.config, model_transaction_policy: { decoupled: true } } };

describe('createTestHost', () => {
  it('keeps the order of the three life cycles', async () => {
    const calls: string[] = [];
    const host = await createTestHost(
      defineBackend({
        name: 'recorder',
        start: () => void calls.push('start'),
        stop: () => void calls.push('stop'),
        createModel: ({ modelName, modelVersion, versionDirectory }) => {
          calls.push(`model ${modelName} ${modelVersion} ${versionDirectory}`);
          return {
            completeConfig: () => ({ max_batch_size: 3 }),
            validateConfig: ({ max_batch_size: size }) => void calls.push(`validate ${size}`),
            createInstance({ instanceName }) {
              calls.push(instanceName);
              return { execute: () => undefined, close: () => void calls.push('close instance') };
            },
            close: () => void calls.push('close model'),
          };
        },
      }),
    );
    await host.load({
      config: { name: 'm', instance_group: [{ count: 2 }] },
      directory: '/repository/m',
      version: '7',
    });
    await host.close();
    assert.deepEqual(calls, [
      'start',
      'model m 7 /repository/m/7',
      'validate 3',
      'm_0_0',
      'm_0_1',
      'close instance',
      'close instance',
      'close model',
      'stop',
    ]);
  });

  it('closes what was made when loading fails', async () => {
    const calls: string[] = [];
    const backend = defineBackend({
      name: 'failing',
      createModel: () => ({
        createInstance: () => Promise.reject(new Error('no device')),
        close: () => void calls.push('close model'),
      }),
    });
    const host = await createTestHost(backend);
    await assert.rejects(host.load(CONFIG), { message: 'no device' });
    assert.deepEqual(calls, ['close model']);
  });

  it('fails requests that are left unanswered, and all open ones when the backend throws', async () => {
    assert.match(await errorOf(() => undefined), /returned without answering/);
    assert.match(await errorOf(() => Promise.reject(new Error('broken'))), /^broken$/);
  });

  it('refuses a second response and one that is not final', async () => {
    assert.match(
      await errorOf(([request]) => {
        request?.send({ outputs: [] }, false);
      }),
      /not final, but the model is not decoupled/,
    );
    const host = await createTestHost(
      backendWith(([request]) => {
        request?.send({ outputs: [] });
        request?.send({ outputs: [] });
      }),
    );
    const [request] = await (await host.load(CONFIG)).run([{ inputs: [] }]);
    assert.equal(request?.responses.length, 1);
  });

  it('lets a decoupled model answer after it returned', async () => {
    const host = await createTestHost(
      backendWith(([request]) => {
        void setImmediate().then(() => {
          request?.send({ outputs: [] });
          request?.complete();
          request?.complete();
        });
      }),
    );
    const [request] = await (await host.load(DECOUPLED)).run([{ inputs: [] }]);
    assert.deepEqual([request?.responses.length, request?.isEnded], [1, true]);
  });

  it('records log lines and metrics', async () => {
    const host = await createTestHost(
      defineBackend({
        name: 'talkative',
        start({ logger, metrics }) {
          logger.warning('careful', { model: 'm' });
          metrics.counter({ name: 'seen', description: '' }, { model: 'm' }).increment(2);
          metrics.gauge({ name: 'open', description: '' }).set(5);
          metrics.histogram({ name: 'took', description: '', buckets: [1] }).observe(0.5);
        },
        createModel: () => ({ createInstance: () => ({ execute: () => undefined }) }),
      }),
    );
    assert.deepEqual(host.logs, [{ level: 'warning', message: 'careful', fields: { model: 'm' } }]);
    assert.deepEqual(Object.fromEntries(host.metrics), { 'seen{model="m"}': 2, open: 5, took: 0.5 });
  });
});

describeBackend('conformance suite on a decoupled backend', {
  backend: backendWith((requests) => {
    for (const request of requests) request.send({ outputs: [] }, true);
  }),
  model: { config: { max_batch_size: 4 } },
  request: () => ({ inputs: [] }),
  decoupled: { model: DECOUPLED, request: { inputs: [] } },
});

function backendWith(execute: BackendModelInstance['execute']) {
  return defineBackend({ name: 'test', createModel: () => ({ createInstance: () => ({ execute }) }) });
}

async function errorOf(execute: BackendModelInstance['execute']): Promise<string> {
  const host = await createTestHost(backendWith(execute));
  const [request] = await (await host.load(CONFIG)).run([{ inputs: [] }]);
  return request?.responses[0]?.error?.message ?? '';
}
