import {
  InferenceServerError,
  type BackendModelInstance,
  type BackendRequest,
  type InstanceContext,
  type ModelContext,
} from '@nereid/backend-sdk';
import type { StubProcess } from './stub-process.ts';

/** A process that has imported the model. */
export interface LoadedStub {
  readonly stub: StubProcess;
  /** Which of the optional methods the model's class has. */
  readonly abilities: { readonly auto_complete: boolean; readonly is_ready: boolean };
}

interface Initialized {
  /** Whether `execute` is a coroutine. */
  readonly is_async: boolean;
}

/** A process that ran this long had no fault of its own. */
const STABLE_MS = 60_000;
const LONGEST_PAUSE_MS = 30_000;
const FIRST_PAUSE_MS = 500;
/** A request may be what ends the process before the model gets it. */
const MOST_TRIES = 3;
/** `is_ready` that takes longer says no. */
const READY_LIMIT_MS = 5000;

/**
 * One instance of a model. States: running → restarting → running; closed at the end. A process that ends fails its
 * own requests; it is started again at once, and after pauses that double while it goes on failing.
 */
export class PythonInstance implements BackendModelInstance {
  readonly #model: ModelContext;
  readonly #context: InstanceContext;
  readonly #load: () => Promise<LoadedStub>;
  #loaded: LoadedStub | undefined;
  #restarting: Promise<void> | undefined;
  /** A process that initializes the model. */
  #starting: StubProcess | undefined;
  #startedAt = 0;
  #failures = 0;
  #lastFailure = '';
  #isClosed = false;
  /** An answer of `is_ready` that is on its way: one that hangs must not be asked again and again. */
  #readiness: Promise<boolean> | undefined;

  constructor(model: ModelContext, context: InstanceContext, load: () => Promise<LoadedStub>) {
    this.#model = model;
    this.#context = context;
    this.#load = load;
  }

  /** @throws InferenceServerError when the model can't be imported or initialized. */
  async start(): Promise<void> {
    const loaded = await this.#load();
    this.#starting = loaded.stub;
    try {
      const { is_async } = (await loaded.stub.call('initialize', this.#initializeValue())) as Initialized;
      if (is_async) loaded.stub.neverAhead();
    } catch (error) {
      await loaded.stub.close();
      throw error;
    } finally {
      this.#starting = undefined;
    }
    loaded.stub.onCrash = () => this.#onCrash();
    this.#startedAt = performance.now();
    this.#loaded = loaded;
    if (this.#isClosed) await loaded.stub.close();
  }

  get takesNext(): boolean {
    return this.#loaded?.stub.takesNext ?? false;
  }

  async execute(requests: readonly BackendRequest[]): Promise<void> {
    for (let tries = 0; !(await this.#tryToExecute(requests));) {
      tries += 1;
      if (tries === MOST_TRIES)
        throw this.#unavailable(`ended ${tries} times before the model got the request`);
    }
    // Whatever ends this process now, it was able to serve.
    this.#failures = 0;
  }

  async isReady(): Promise<boolean> {
    const loaded = this.#loaded;
    if (loaded === undefined || loaded.stub.isSilent) return false;
    if (!loaded.abilities.is_ready) return true;
    this.#readiness ??= this.#ask(loaded.stub).finally(() => (this.#readiness = undefined));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, READY_LIMIT_MS, false);
    });
    return Promise.race([this.#readiness, late]).finally(() => clearTimeout(timer));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#starting?.kill('the model is unloaded');
    await this.#loaded?.stub.close();
  }

  /** @returns False when the process ended before the model got the requests. */
  async #tryToExecute(requests: readonly BackendRequest[]): Promise<boolean> {
    if (this.#loaded === undefined) await this.#restarted();
    return (await this.#loaded?.stub.execute(requests, this.#context.config)) ?? true;
  }

  /** Requests that come while the process is started again wait for it, once. */
  async #restarted(): Promise<void> {
    await this.#restarting;
    if (this.#loaded !== undefined) return;
    throw this.#unavailable(`ended and could not be started again: ${this.#lastFailure}`);
  }

  #unavailable(why: string): InferenceServerError {
    const message = `the Python process of model '${this.#model.modelName}' ${why}`;
    return new InferenceServerError('UNAVAILABLE', message);
  }

  /** What the model says of itself; one whose `is_ready` raises is not ready. */
  async #ask(stub: StubProcess): Promise<boolean> {
    return (await stub.call('is_ready').catch(() => false)) === true;
  }

  #onCrash(): void {
    if (this.#isClosed) return;
    this.#loaded = undefined;
    if (performance.now() - this.#startedAt > STABLE_MS) this.#failures = 0;
    this.#restart();
  }

  #restart(): void {
    const pause =
      this.#failures === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1));
    this.#failures += 1;
    this.#restarting = new Promise<void>((resolve) => {
      setTimeout(() => resolve(this.#isClosed ? undefined : this.start()), pause).unref();
    }).catch((error: unknown) => {
      const { message } = InferenceServerError.from(error);
      this.#lastFailure = message;
      this.#model.logger.error(`restart failed: ${message}`, { model: this.#model.modelName });
      if (!this.#isClosed) setImmediate(() => this.#restart());
    });
  }

  /** What `initialize(args)` gets: text, as Triton gives it. */
  #initializeValue(): unknown {
    const { modelName, modelVersion, modelDirectory } = this.#model;
    const { instanceName, kind, deviceId, config } = this.#context;
    return {
      decoupled: config.model_transaction_policy?.decoupled ?? false,
      args: {
        model_config: JSON.stringify(config),
        model_instance_kind: kind.replace('KIND_', ''),
        model_instance_name: instanceName,
        model_instance_device_id: String(deviceId),
        model_repository: modelDirectory,
        model_version: modelVersion,
        model_name: modelName,
      },
    };
  }
}
