import { InferenceServerError, type BackendRequest } from '@nereid/backend-sdk';
import type { EngineRequest } from './answer-reader.ts';
import { EngineAttempt, type AttemptEnd } from './engine-attempt.ts';
import type { Engine, EngineLease, EnginePool } from './engine.ts';
import type { StreamMetrics, StreamTimes } from './stream-metrics.ts';

/** A request may be what ends its engine, which is started again. */
const MOST_TRIES = 3;

/** What a request needs to be run. */
export interface GenerationParts {
  readonly client: BackendRequest;
  readonly request: EngineRequest;
  readonly pool: EnginePool;
  /** Whose share it is of; '' for nobody's. */
  readonly clientKey: string;
  readonly metrics: StreamMetrics;
}

/**
 * One request from its place on an engine to its final response. States: waiting for a place → running on an engine, which
 * may be repeated until the first response → over.
 */
export class GenerationRun {
  readonly #parts: GenerationParts;
  readonly #times: StreamTimes;
  /** Engines that could not take it. */
  readonly #failed = new Set<Engine>();
  #giveUpWaiting: (() => void) | undefined;
  #attempt: EngineAttempt | undefined;
  #lease: EngineLease | undefined;
  #lastError: InferenceServerError | undefined;
  #wasRepeated = false;
  #isPaused = false;
  #isOver = false;
  #tokens = 0;

  private constructor(parts: GenerationParts) {
    this.#parts = parts;
    this.#times = parts.metrics.begin();
  }

  /** Runs a request; it is answered whenever the engine does. */
  static start(parts: GenerationParts): void {
    const run = new GenerationRun(parts);
    parts.client.onCancel(() => run.#cancel());
    if (run.#isOver) return;
    parts.client.onPause((isPaused) => run.#pause(isPaused));
    run.#acquire();
  }

  #acquire(): void {
    const { client, request, pool, clientKey } = this.#parts;
    const need = {
      tokens: request.tokens,
      clientKey,
      prefixes: pool.wantsPrefixes ? request.prefixes() : [],
      not: this.#failed,
      deadline: client.deadline,
    };
    let isDecided = false;
    const giveUp = pool.acquire(need, (lease, refusal) => {
      isDecided = true;
      this.#giveUpWaiting = undefined;
      if (lease === undefined) this.#fail(this.#lastError ?? refusal ?? noEngine());
      else this.#run(lease);
    });
    if (!isDecided) this.#giveUpWaiting = giveUp;
  }

  #run(lease: EngineLease): void {
    if (this.#isOver) {
      lease.release('cancelled', 0);
      return;
    }
    if (this.#failed.size > 0) this.#parts.metrics.countFailover();
    try {
      this.#ask(lease);
    } catch (fault) {
      // One of ours: thrown on, it would meet whoever has just given the place free.
      this.#attempt = undefined;
      this.#lease = undefined;
      lease.release('cancelled', 0);
      this.#fail(InferenceServerError.from(fault));
    }
  }

  #ask(lease: EngineLease): void {
    const { request } = this.#parts;
    this.#lease = lease;
    const attempt = new EngineAttempt(lease, request, {
      onTokens: (tokens, now) => {
        this.#tokens += tokens;
        this.#times.onData(tokens, now);
      },
      onEnd: (end) => this.#end(lease, end),
    });
    this.#attempt = attempt;
    attempt.start(request, this.#isPaused);
  }

  #end(lease: EngineLease, end: AttemptEnd): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.#lease = undefined;
    const { request, pool } = this.#parts;
    const { promptTokens = 0, completionTokens = this.#tokens } = attempt?.reader.usage ?? {};
    lease.release(end.outcome, promptTokens + completionTokens);
    if (end.error === undefined) {
      this.#finish({ promptTokens, completionTokens });
      return;
    }
    const { engine } = lease;
    if (end.again === 'no' || attempt?.reader.hasAnswered === true) {
      this.#fail(request.describe(end.error));
    } else if (end.again === 'here' && !this.#wasRepeated) {
      this.#wasRepeated = true;
      this.#acquire();
    } else {
      this.#failed.add(engine);
      this.#lastError = request.describe(end.error);
      // The pool says when there is no other engine; one of ours that has ended comes back as another.
      if (this.#failed.size < Math.max(MOST_TRIES, pool.engineCount)) this.#acquire();
      else this.#fail(this.#lastError);
    }
  }

  #finish(usage: { readonly promptTokens: number; readonly completionTokens: number }): void {
    this.#isOver = true;
    this.#times.onEnd(usage);
  }

  #fail(error: InferenceServerError): void {
    if (this.#isOver) return;
    this.#finish({ promptTokens: 0, completionTokens: this.#tokens });
    this.#parts.client.sendError(error, true);
  }

  #cancel(): void {
    if (this.#isOver) return;
    this.#giveUpWaiting?.();
    this.#attempt?.abort();
    this.#lease?.release('cancelled', this.#tokens);
    this.#fail(new InferenceServerError('CANCELLED', 'the request was cancelled'));
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#attempt?.pause(isPaused);
  }
}

function noEngine(): InferenceServerError {
  return new InferenceServerError('UNAVAILABLE', 'no engine can take the request');
}
