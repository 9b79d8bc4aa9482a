/** A tracer that keeps what it traces, for tests of whoever traces. */
import type { Logger } from '@nereid/backend-sdk';
import type { RequestTrace, SpanIds } from '../request-trace.ts';
import { Tracer, type TraceOptions } from '../trace.ts';
import type { TraceExporter } from '../trace-exporter.ts';

const QUIET: Logger = { verbose: ignore, info: ignore, warning: ignore, error: ignore };

/** A tracer of every request, as in mode `opentelemetry`. */
export function collectingTracer(options: Partial<TraceOptions> = {}): {
  readonly tracer: Tracer;
  /** The next finished trace. */
  next(): Promise<RequestTrace>;
} {
  const finished: RequestTrace[] = [];
  const waiting: ((trace: RequestTrace) => void)[] = [];
  let lastSpan = 0;
  const exporter: TraceExporter = {
    spanIds: (context, parent): SpanIds => ({
      traceId: parent?.traceId ?? context?.traceId ?? '0'.repeat(31) + '1',
      root: parent === undefined ? spanId(++lastSpan) : undefined,
      request: spanId(++lastSpan),
      compute: spanId(++lastSpan),
      parent: parent?.parent ?? context,
    }),
    export: (trace) => {
      const take = waiting.shift();
      if (take === undefined) finished.push(trace);
      else take(trace);
    },
    close: () => Promise.resolve(),
  };
  const all: TraceOptions = {
    levels: ['TIMESTAMPS'],
    rate: 1,
    count: -1,
    logFrequency: 0,
    file: '',
    openTelemetry: undefined,
    unused: [],
    ...options,
  };
  return {
    tracer: new Tracer(all, { logger: QUIET, exporter }),
    next: () => {
      const trace = finished.shift();
      return trace === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(trace);
    },
  };
}

function spanId(number: number): string {
  return number.toString(16).padStart(16, '0');
}

function ignore(): void {}
