/**
 * Mode `opentelemetry`: traces become spans that the official SDK sends to a collector. Loaded only in that mode: the
 * SDK is several hundred modules.
 */
import {
  createTraceState,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type HrTime,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  RandomIdGenerator,
  TracerProvider,
  type IdGenerator,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '@nereid/backend-sdk';
import type { RequestTrace, SpanIds, TraceEvent } from './request-trace.ts';
import { spansOf, type SpanShape } from './span-shape.ts';
import type { TraceContext } from './trace-context.ts';
import { TellingExporter } from './telling-exporter.ts';
import type { TraceExporter } from './trace-exporter.ts';
import type { OpenTelemetryOptions } from './trace-settings.ts';

/** Triton's, so that dashboards made for it go on working. */
const DEFAULT_SERVICE_NAME = 'triton-inference-server';
const TRACER_NAME = 'triton-server';
/** How long the end of the server waits for the collector to take the last spans. */
const CLOSE_LIMIT_MS = 3000;

/** What an exporter works with. */
export interface OpenTelemetryParts {
  readonly logger: Logger;
  readonly serverVersion: string;
}

/** Sends traces to a collector by OTLP over HTTP. */
export function createOpenTelemetryExporter(
  options: OpenTelemetryOptions,
  { logger, serverVersion }: OpenTelemetryParts,
): TraceExporter {
  tellProblems(logger);
  const ids = new GivenIds();
  const provider = new TracerProvider({
    resource: resourceOf(options.resource),
    sampler: new AlwaysOnSampler(),
    idGenerator: ids,
    spanProcessors: [createProcessor(options, logger)],
  });
  const exporter = new OpenTelemetryExporter(provider.getTracer(TRACER_NAME, serverVersion), ids);
  return {
    spanIds: (context, parent) => newSpanIds(context, parent),
    export: (finished) => exporter.export(finished),
    close: () => closeInTime(provider, logger),
  };
}

/** A collector that does not answer must not hold up the end of the server: the exporter tries for many seconds. */
async function closeInTime(provider: TracerProvider, logger: Logger): Promise<void> {
  const isLate = Promise.withResolvers<string>();
  const timer = setTimeout(() => isLate.resolve(`it took more than ${CLOSE_LIMIT_MS} ms`), CLOSE_LIMIT_MS);
  const closing = provider.shutdown().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const reason = await Promise.race([closing, isLate.promise]);
  clearTimeout(timer);
  if (reason !== undefined) logger.warning(`the last spans could not be sent to the collector: ${reason}`);
}

function createProcessor(options: OpenTelemetryOptions, logger: Logger): BatchSpanProcessor {
  const { url, maxQueueSize, maxExportBatchSize, scheduleDelayMs } = options;
  return new BatchSpanProcessor({
    exporter: new TellingExporter(new OTLPTraceExporter(url === undefined ? {} : { url }), logger),
    maxQueueSize,
    maxExportBatchSize,
    scheduledDelayMillis: scheduleDelayMs,
  });
}

/** What the SDK complains of, spans that were dropped because too many waited say, goes to the log. */
function tellProblems(logger: Logger): void {
  const tell = (message: string, ...details: readonly unknown[]): void => {
    logger.warning(`OpenTelemetry: ${[message, ...details.map(String)].join(' ')}`);
  };
  const ignore = (): void => undefined;
  diag.setLogger(
    { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

/** Options win over the environment, and that over the default. */
function resourceOf(attributes: Readonly<Record<string, string>>): Resource {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': DEFAULT_SERVICE_NAME }))
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes(attributes));
}

const RANDOM = new RandomIdGenerator();

function newSpanIds(context: TraceContext | undefined, parent: SpanIds | undefined): SpanIds {
  return {
    traceId: parent?.traceId ?? context?.traceId ?? RANDOM.generateTraceId(),
    root: parent === undefined ? RANDOM.generateSpanId() : undefined,
    request: RANDOM.generateSpanId(),
    compute: RANDOM.generateSpanId(),
    parent: parent?.parent ?? context,
  };
}

/** The ids that a request was given when it came: backends may have handed them on before there was a span. */
class GivenIds implements IdGenerator {
  next = { traceId: '', spanId: '' };

  generateTraceId(): string {
    return this.next.traceId;
  }

  generateSpanId(): string {
    return this.next.spanId;
  }
}

/** Turns finished traces into spans, all at once: their times are those that the trace noted. */
class OpenTelemetryExporter {
  readonly #tracer: Tracer;
  readonly #ids: GivenIds;
  /** Epoch of the server's clock: whole seconds and nanoseconds, for a double cannot hold both. */
  readonly #originSeconds = Math.floor(performance.timeOrigin / 1000);
  readonly #originNs = Math.round((performance.timeOrigin % 1000) * 1e6);

  constructor(tracer: Tracer, ids: GivenIds) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  export(finished: RequestTrace): void {
    const { spans } = finished;
    if (spans === undefined) return;
    const outer = spans.parent === undefined ? ROOT_CONTEXT : contextIn(spans.parent);
    for (const shape of spansOf(finished)) this.#export(shape, spans.traceId, outer);
  }

  #export(shape: SpanShape, traceId: string, context: Context): void {
    this.#ids.next = { traceId, spanId: shape.spanId ?? RANDOM.generateSpanId() };
    const options = {
      kind: shape.isEntry ? SpanKind.SERVER : SpanKind.INTERNAL,
      startTime: this.#timeOf(shape.startNs),
      attributes: { ...shape.attributes } satisfies Attributes,
    };
    const span = this.#tracer.startSpan(shape.name, options, context);
    for (const event of shape.events) this.#addEvent(span, event);
    if (shape.error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: shape.error });
    span.end(this.#timeOf(shape.endNs));
    const inner = trace.setSpan(context, span);
    for (const child of shape.children) this.#export(child, traceId, inner);
  }

  #addEvent(span: Span, { name, ns }: TraceEvent): void {
    span.addEvent(name, { 'triton.steady_timestamp_ns': ns }, this.#timeOf(ns));
  }

  #timeOf(ns: number): HrTime {
    const total = this.#originNs + ns;
    const seconds = Math.floor(total / 1e9);
    return [this.#originSeconds + seconds, Math.round(total - seconds * 1e9)];
  }
}

function contextIn({ traceId, spanId, traceState }: TraceContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
    ...(traceState !== undefined && { traceState: createTraceState(traceState) }),
  });
}
