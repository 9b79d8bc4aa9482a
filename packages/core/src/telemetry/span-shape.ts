/** The spans that a finished trace becomes: `InferRequest` → the model → `compute`, steps below their ensemble. */
import { activitySpans, type ActivitySpan } from './activity-spans.ts';
import type { RequestTrace, SpanIds, TraceEvent } from './request-trace.ts';

/** A span, its times in nanoseconds of the server's clock. */
export interface SpanShape {
  readonly name: string;
  /** Undefined: nobody knows of it before it is exported, any id will do. */
  readonly spanId: string | undefined;
  /** Whether it is where the request came in. */
  readonly isEntry: boolean;
  readonly startNs: number;
  readonly endNs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly events: readonly TraceEvent[];
  readonly error: string | undefined;
  readonly children: readonly SpanShape[];
}

/** The outermost spans of a trace; none when it noted nothing. */
export function spansOf(trace: RequestTrace): readonly SpanShape[] {
  const { spans } = trace;
  if (spans === undefined || trace.events.length === 0) return [];
  const inner = requestSpans(trace, spans);
  if (spans.root === undefined) return inner;
  const ns = trace.events.map((event) => event.ns);
  return [
    {
      name: 'InferRequest',
      spanId: spans.root,
      isEntry: true,
      startNs: Math.min(...ns),
      endNs: Math.max(...ns),
      attributes: {},
      events: trace.events.filter(({ name }) => !isOfRequest(name) && !isOfCompute(name)),
      error: trace.error,
      children: inner,
    },
  ];
}

/** None for a request that was refused before it came to its model. */
function requestSpans(trace: RequestTrace, spans: SpanIds): readonly SpanShape[] {
  const events = trace.events.filter(({ name }) => isOfRequest(name));
  const [start] = events;
  if (start === undefined) return [];
  const compute = computeSpans(trace, spans);
  const end = events.find(({ name }) => name === 'REQUEST_END') ?? trace.events.at(-1) ?? start;
  return [
    {
      name: trace.modelName,
      spanId: spans.request,
      isEntry: false,
      startNs: start.ns,
      endNs: end.ns,
      attributes: attributesOf(trace),
      events,
      error: trace.error,
      children: [...compute, ...trace.children.flatMap(spansOf)],
    },
  ];
}

/** An ensemble computes nothing itself. */
function computeSpans(trace: RequestTrace, spans: SpanIds): readonly SpanShape[] {
  const events = trace.events.filter(({ name }) => isOfCompute(name));
  const [start] = events;
  if (start === undefined) return [];
  const { ns: endNs } = events.at(-1) ?? start;
  const activities = activitySpans(trace.activities, endNs);
  return [
    {
      name: 'compute',
      spanId: spans.compute,
      isEntry: false,
      startNs: start.ns,
      endNs,
      attributes: {},
      events: [...events, ...activities.events],
      error: undefined,
      children: activities.spans.map(toSpanShape),
    },
  ];
}

function toSpanShape({ children, ...activity }: ActivitySpan): SpanShape {
  return {
    ...activity,
    spanId: undefined,
    isEntry: false,
    attributes: {},
    error: undefined,
    children: children.map(toSpanShape),
  };
}

function attributesOf({
  id,
  modelName,
  modelVersion,
  requestId,
  parentId,
}: RequestTrace): SpanShape['attributes'] {
  return {
    'triton.model_name': modelName,
    'triton.model_version': modelVersion === '' ? -1 : Number(modelVersion),
    'triton.trace_id': id,
    'triton.trace_parent_id': parentId ?? 0,
    ...(requestId !== '' && { 'triton.request_id': requestId }),
  };
}

function isOfRequest(name: string): boolean {
  return name.startsWith('REQUEST_') || name === 'QUEUE_START';
}

function isOfCompute(name: string): boolean {
  return name.startsWith('COMPUTE_');
}
