/** The part of traces that fronts see: when a request came, and when its answer left. */
import type { TraceContext as BackendTraceContext } from '@nereid/backend-sdk';
import { RequestTrace, type TracedRequest } from '../telemetry/trace.ts';
import type { FrontItem, WireMoment } from './front-messages.ts';

/** What traces of a front share. */
export interface FrontTraceParts {
  /** Nanoseconds between the clock of this thread and that of the serving thread. */
  readonly clockShift: number;
  /** Hands the rest of a trace over. */
  readonly end: (item: Extract<FrontItem, { kind: 'traced' }>) => void;
}

/**
 * Notes moments until they can be handed over. Whether the request is traced at all is decided by the serving thread,
 * which counts them: what is noted here of the others is thrown away there.
 */
export class FrontTrace extends RequestTrace {
  readonly #request: TracedRequest;
  readonly #parts: FrontTraceParts;
  #call: number | undefined;
  #sent = 0;
  #traceId = '';

  constructor(request: TracedRequest, parts: FrontTraceParts) {
    super(request, {
      now: () => Math.round(performance.now() * 1e6),
      levels: { timestamps: true, tensors: false },
      nextId: () => 0,
      spanIds: () => undefined,
      collect: () => this.#end(),
    });
    this.#request = request;
    this.#parts = parts;
  }

  override get context(): BackendTraceContext {
    return { traceId: this.#traceId, traceparent: undefined, tracestate: undefined };
  }

  /** Its request leaves: the moments so far go with it. */
  handOver(call: number): { readonly request: TracedRequest; readonly moments: readonly WireMoment[] } {
    this.#call = call;
    return { request: this.#request, moments: this.#takeMoments() };
  }

  /** What the log is to know it by; undefined when the request is not traced. */
  adopt(traceId: string | undefined): void {
    if (traceId !== undefined) this.#traceId = traceId;
  }

  #end(): void {
    const { error } = this;
    const moments = this.#takeMoments();
    this.#parts.end({ kind: 'traced', call: this.#call, request: this.#request, moments, error });
  }

  #takeMoments(): WireMoment[] {
    const moments = this.events.slice(this.#sent);
    this.#sent = this.events.length;
    return moments.map(({ name, ns }) => ({ name, ns: ns + this.#parts.clockShift }));
  }
}
