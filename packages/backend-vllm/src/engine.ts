/**
 * The seam between the engines of a model and the requests that are sent to them.
 *
 * @module
 */
import type { InferenceServerError } from '@nereid/backend-sdk';
import type { ConnectionPool } from './http/connection-pool.ts';
import type { Preset } from './presets.ts';

/** An engine that can be asked: a process of ours, or a URL. */
export interface Engine {
  /** Base, without /v1. */
  readonly url: URL;
  /** The name by which it knows the model. */
  readonly modelName: string;
  /** `authorization`, when it needs a key. Never logged. */
  readonly headers: Readonly<Record<string, string>>;
  /** As many as there are requests. How long an answer may take is for the client to say; that the engine lives is seen by its health. */
  readonly connections: Pick<ConnectionPool, 'send'>;
  readonly preset: Preset;
}

/** What is known of a request before it is sent. */
export interface EngineNeed {
  /** Input and expected output, in tokens. */
  readonly tokens: number;
  /** Whose share it is of; '' for nobody's. */
  readonly clientKey: string;
  /** Hashes of ever longer beginnings of the prompt, shortest first; empty with one engine. */
  readonly prefixes: readonly number[];
  /** Engines that failed this request. */
  readonly not: ReadonlySet<Engine>;
  /** Milliseconds since the epoch; undefined: no limit. */
  readonly deadline: number | undefined;
}

/** How a request on an engine ended. */
export type LeaseOutcome = 'done' | 'cancelled' | 'refused' | 'failed';

/** A place on an engine. States: held → released. */
export interface EngineLease {
  readonly engine: Engine;
  /** Aborts its request when the engine is found dead or is stopped. Called at most once. */
  onLost: ((why: string) => void) | undefined;
  /**
   * When its last bytes came, as `performance.now()`; 0: none yet. Whoever reads them sets it: an engine that sends needs no
   * probe, and one that is busy with a long prompt may be late with its health.
   */
  lastDataAt: number;
  /**
   * Frees the place; the first call counts.
   *
   * @param outcome - `refused`: the engine answered 429 or 503; `failed`: it could not be reached, or cut the answer off.
   * @param tokens - What the request came to, input and output, for the drain rate.
   */
  release(outcome: LeaseOutcome, tokens: number): void;
}

/** Called once: with a place, or with why there is none. */
export type AcquireHandler = (
  lease: EngineLease | undefined,
  refusal: InferenceServerError | undefined,
) => void;

/** The engines of a model version, and who may use them now. */
export interface EnginePool {
  /** Whether one engine can serve. */
  readonly isReady: boolean;
  readonly engineCount: number;
  /** Texts are hashed only when there are several engines. */
  readonly wantsPrefixes: boolean;
  /**
   * Asks for a place. `done` is called at once, before `acquire` returns, when one is free: no promise, no turn of the loop.
   *
   * @returns Gives the wait up; does nothing afterwards.
   */
  acquire(need: EngineNeed, done: AcquireHandler): () => void;
  /** Ends the wait of all, and the engines. */
  close(): Promise<void>;
}
