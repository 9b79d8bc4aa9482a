/** The suite that every backend runs: what the server counts on, tested on the backend's own models. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InferenceServerError, type Tensor } from '@nereid/protocol';
import type { Backend } from '../backend.ts';
import type { TestRequest, TestRequestInit } from './build-request.ts';
import { assertSameTensors } from './same-tensors.ts';
import { createTestHost, type TestHost, type TestModel, type TestModelInit } from './test-host.ts';

/** A model with a request that it answers in the way a test is about. */
export interface ConformanceCase {
  readonly model: TestModelInit;
  readonly request: TestRequestInit;
}

/** A backend, and models to test it with. */
export interface BackendConformance {
  readonly backend: Backend;
  /** A model that answers every request once; best one with `max_batch_size` 8 or more. */
  readonly model: TestModelInit;
  /** Makes a request for that model; different numbers give different data of the same shape apart from the batch. */
  readonly request: (index: number) => TestRequestInit;
  /** Largest difference between a batched and a single result that floating-point arithmetic may make. Default: 0. */
  readonly tolerance?: number;
  /** A request that the backend must answer with an error. */
  readonly failing?: ConformanceCase;
  /** A model that must not load. */
  readonly broken?: TestModelInit;
  /** A decoupled model with a request. */
  readonly decoupled?: ConformanceCase;
  /** The backend's settings. Default: none. */
  readonly settings?: Readonly<Record<string, string>>;
}

const LOADS = 10;

/** Declares the tests of the suite, in a `describe` of the given title. */
export function describeBackend(title: string, options: BackendConformance): void {
  describe(title, () => {
    describeLifeCycle(options);
    describeExecution(options);
    describeErrors(options);
    if (options.decoupled !== undefined) describeDecoupled(options, options.decoupled);
  });
}

function describeLifeCycle(options: BackendConformance): void {
  it('answers after each of many loads and unloads', () =>
    withHost(options, async (host) => {
      for (let load = 0; load < LOADS; load += 1) {
        const model = await host.load(options.model);
        await runOne(model, options.request(load));
        await model.unload();
      }
    }));

  it('serves several models at once, and each on after another was unloaded', () =>
    withHost(options, async (host) => {
      const [first, second] = [await host.load(options.model), await host.load(options.model)];
      await runOne(first, options.request(0));
      await first.unload();
      await runOne(second, options.request(0));
    }));

  it('starts again after it was stopped', async () => {
    for (let start = 0; start < 2; start += 1) {
      await withModel(options, (model) => runOne(model, options.request(start)));
    }
  });

  it('completes a configuration to one that it accepts and completes no further', () =>
    withModel(options, async (model, host) => {
      const again = await host.load({ ...options.model, config: model.config });
      assert.deepEqual(again.config, model.config);
    }));

  it('is ready once it is loaded', () =>
    withModel(options, async (model) => {
      for (const instance of model.instances) assert.equal((await instance.isReady?.()) ?? true, true);
    }));
}

function describeExecution(options: BackendConformance): void {
  it('answers a batch as it answers its requests one by one', () =>
    withModel(options, async (model) => {
      const inits = requestsThatFit(model, options);
      const single: (readonly Tensor[])[] = [];
      for (const init of inits) single.push(outputsOf(await runOne(model, init)));
      const batched = await model.run(inits);
      for (const [index, request] of batched.entries()) {
        assertSameTensors(outputsOf(request), single[index] ?? [], options.tolerance);
      }
    }));

  it('gives the same answer on every instance', async () => {
    const config = { ...options.model.config, instance_group: [{ count: 2 }] };
    await withModel({ ...options, model: { ...options.model, config } }, async (model) => {
      const answers = await Promise.all([0, 1].map((instance) => model.run([options.request(3)], instance)));
      const [first, second] = answers.map(([request]) => outputsOf(request));
      assertSameTensors(second ?? [], first ?? [], options.tolerance);
    });
  });

  it('sends only the outputs that are wanted', () =>
    withModel(options, async (model) => {
      for (const { name } of model.config.output) {
        const request = await runOne(model, { ...options.request(0), outputs: [name] });
        assert.deepEqual(
          outputsOf(request).map((output) => output.name),
          [name],
        );
      }
    }));

  it('leaves the bytes of the inputs as they are', () =>
    withModel(options, async (model) => {
      const init = options.request(0);
      const before = init.inputs.map(({ data }) => Buffer.from(data));
      await runOne(model, init);
      assert.deepEqual(
        init.inputs.map(({ data }) => Buffer.from(data)),
        before,
      );
    }));

  it('takes inputs in shared memory, at any offset', () =>
    withModel(options, async (model) => {
      const init = options.request(0);
      const moved = init.inputs.map((input) => ({ ...input, data: moveToSharedMemory(input.data) }));
      const expected = outputsOf(await runOne(model, init));
      assertSameTensors(
        outputsOf(await runOne(model, { ...init, inputs: moved })),
        expected,
        options.tolerance,
      );
    }));

  it('ends a cancelled request, and answers the others of its batch', () =>
    withModel(options, async (model) => {
      const requests = requestsThatFit(model, options).map(model.request);
      requests[0]?.cancel();
      await model.execute(requests);
      for (const [index, request] of requests.entries()) {
        assert.equal(request.responses.filter(({ final }) => final).length, 1);
        if (index > 0) outputsOf(request);
      }
    }));
}

function describeErrors(options: BackendConformance): void {
  const { broken, failing } = options;
  if (broken !== undefined) {
    it('refuses a broken model with an error of the eight codes, and loads others after it', () =>
      withHost(options, async (host) => {
        await assert.rejects(host.load(broken), (error) => InferenceServerError.is(error));
        await runOne(await host.load(options.model), options.request(0));
      }));
  }
  if (failing !== undefined) {
    it('answers a failing request with an error and the next one as ever', () =>
      withModel({ ...options, model: failing.model }, async (model) => {
        for (let round = 0; round < 2; round += 1) {
          const [request] = await model.run([failing.request]);
          assert.ok(request?.responses.at(-1)?.error !== undefined);
        }
      }));
  }
}

function describeDecoupled(options: BackendConformance, { model: init, request }: ConformanceCase): void {
  it('ends a decoupled request exactly once', () =>
    withModel({ ...options, model: init }, async (model) => {
      const [ended] = await model.run([request]);
      assert.equal(ended?.isEnded, true);
      const earlier = ended?.responses.slice(0, -1) ?? [];
      assert.ok(earlier.every(({ final }) => !final));
    }));
}

/** As many different requests as one batch takes, four at most. */
function requestsThatFit(model: TestModel, options: BackendConformance): readonly TestRequestInit[] {
  const limit = Math.max(1, model.config.max_batch_size);
  const fitting: TestRequestInit[] = [];
  let size = 0;
  for (let index = 0; index < 4; index += 1) {
    const init = options.request(index);
    size += model.request(init).batchSize;
    if (size <= limit) fitting.push(init);
  }
  return fitting;
}

async function runOne(model: TestModel, init: TestRequestInit): Promise<TestRequest> {
  const [request] = await model.run([init]);
  assert.ok(request !== undefined);
  outputsOf(request);
  return request;
}

/** The outputs of a request that was answered once, without error. */
function outputsOf(request: TestRequest | undefined): readonly Tensor[] {
  assert.equal(request?.responses.length, 1);
  const [response] = request.responses;
  assert.equal(response?.error, undefined);
  assert.equal(response?.final, true);
  return response.outputs;
}

function moveToSharedMemory(data: Uint8Array): Uint8Array {
  const moved = new Uint8Array(new SharedArrayBuffer(data.byteLength + 3), 3);
  moved.set(data);
  return moved;
}

async function withHost(
  options: BackendConformance,
  use: (host: TestHost) => Promise<unknown>,
): Promise<void> {
  const host = await createTestHost(options.backend, options.settings && { settings: options.settings });
  try {
    await use(host);
  } finally {
    await host.close();
  }
}

function withModel(
  options: BackendConformance,
  use: (model: TestModel, host: TestHost) => Promise<unknown>,
): Promise<void> {
  return withHost(options, async (host) => use(await host.load(options.model), host));
}
