/** Traces whose first and last moments are noted by a front, and the others by the serving thread. */
import type { RequestTrace, Tracer } from '../telemetry/trace.ts';
import { asTimestamp, type FrontItem, type WireMoment } from './front-messages.ts';

type TracedItem = Extract<FrontItem, { kind: 'traced' }>;
type FrontPart = NonNullable<Extract<FrontItem, { kind: 'infer' }>['trace']>;

/** Traces that wait for the front's last moments. Clients that leave early leave some that never come. */
const MOST_WAITING = 10_000;

/** The traces of one front, by call. */
export class TraceParts {
  readonly #waiting = new Map<number, RequestTrace>();

  /** The trace of a request that came; undefined when it is not traced. */
  start(
    call: number,
    { request, moments }: FrontPart,
    tracer: Pick<Tracer, 'start'>,
  ): RequestTrace | undefined {
    const trace = tracer.start(request);
    if (trace === undefined) return undefined;
    record(trace, moments);
    this.#waiting.set(call, trace);
    if (this.#waiting.size > MOST_WAITING) {
      const [oldest = call] = this.#waiting.keys();
      this.#waiting.delete(oldest);
    }
    return trace;
  }

  /** The front's part is over, and with it the trace. */
  end({ call, request, moments, error }: TracedItem, tracer: Pick<Tracer, 'start'>): void {
    const trace = call === undefined ? tracer.start(request) : this.#waiting.get(call);
    if (call !== undefined) this.#waiting.delete(call);
    if (trace === undefined) return;
    record(trace, moments);
    if (error === undefined) trace.end();
    else trace.fail(error);
  }
}

function record(trace: RequestTrace, moments: readonly WireMoment[]): void {
  for (const moment of moments) trace.record(asTimestamp(moment), moment.ns);
}
