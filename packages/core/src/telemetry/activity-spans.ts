import type { TraceEvent } from './request-trace.ts';

/** An activity of a backend, its times in nanoseconds of the server's clock. */
export interface ActivitySpan {
  readonly name: string;
  readonly startNs: number;
  readonly endNs: number;
  readonly events: readonly TraceEvent[];
  readonly children: readonly ActivitySpan[];
}

/** What the moments that a backend noted become (TRC-10). */
export interface Activities {
  /** Activities with a beginning and an end, those within others below them. */
  readonly spans: readonly ActivitySpan[];
  /** Moments outside of any activity. */
  readonly events: readonly TraceEvent[];
}

/** An activity that has begun. */
interface OpenActivity {
  readonly name: string;
  readonly startNs: number;
  readonly events: TraceEvent[];
  readonly children: ActivitySpan[];
}

const START = '_START';
const END = '_END';

/**
 * Makes spans of moments by their names: what begins with `<name>_START` ends with `<name>_END`, and what began within
 * it ends with it. An end without a beginning is an event, as is any other name.
 *
 * @param endNs - When what never ended is over: the end of the execution.
 */
export function activitySpans(moments: readonly TraceEvent[], endNs: number): Activities {
  const outer: OpenActivity = { name: '', startNs: 0, events: [], children: [] };
  const open = [outer];
  const innermost = (): OpenActivity => open.at(-1) ?? outer;
  const close = (ns: number): void => {
    const ended = open.pop();
    if (ended !== undefined) innermost().children.push({ ...ended, endNs: ns });
  };
  for (const moment of moments.toSorted((a, b) => a.ns - b.ns)) {
    const { name, ns } = moment;
    if (name.endsWith(START)) {
      open.push({ name: name.slice(0, -START.length), startNs: ns, events: [moment], children: [] });
      continue;
    }
    const at = name.endsWith(END) ? open.findLastIndex((one) => one.name === name.slice(0, -END.length)) : -1;
    if (at > 0) while (open.length > at + 1) close(ns);
    innermost().events.push(moment);
    if (at > 0) close(ns);
  }
  while (open.length > 1) close(Math.max(endNs, innermost().startNs));
  return { spans: outer.children, events: outer.events };
}
