import type { InferenceServerError } from '@nereid/backend-sdk';
import type { AnswerHeaders } from './http/answer-head.ts';
import type { Engine } from './engine.ts';

/** Tokens of a request, as far as the engine told them. */
export interface TokenUsage {
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
}

/**
 * Turns what an engine answers into responses. Nothing is called after `stop` or `fail`. What is thrown ends the request
 * with that error, and the engine's work on it.
 */
export interface AnswerReader {
  /** Whether a response was sent: from then on no other engine can be asked. */
  readonly hasAnswered: boolean;
  readonly usage: TokenUsage;
  onHeaders(headers: AnswerHeaders): void;
  /** @returns Tokens that it brought, as far as that shows. */
  onData(chunk: Buffer): number;
  /** All has come. It has sent the final response when this returns, or the promise resolves. */
  onEnd(): void | Promise<void>;
  /** The request has ended otherwise. */
  stop(): void;
}

/** A request, as it is asked of engines. */
export interface EngineRequest {
  readonly path: string;
  /** Input and expected output, estimated. */
  readonly tokens: number;
  /** Beginnings of the prompt, for {@link EngineNeed}. */
  prefixes(): readonly number[];
  /** JSON, in pieces. */
  bodyFor(engine: Engine): readonly Uint8Array[];
  /** Makes what reads the answer of one attempt. */
  open(engine: Engine): AnswerReader;
  /** What the client is told of a failure. */
  describe(error: InferenceServerError): InferenceServerError;
}
