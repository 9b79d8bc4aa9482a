/** The slowest requests as a picture: a row each, the stages as bars from the moment it came, steps of ensembles below. */
import type { Trace } from './read-traces.ts';
import { STAGE_NAMES, stagesOf, wholeOf, type Stage } from './stages.ts';

const COLOURS: Readonly<Record<string, string>> = {
  receive: '#9aa5b1',
  queue: '#f0b429',
  'compute input': '#7bc4c4',
  'compute infer': '#2f6db5',
  'compute output': '#6aa84f',
  send: '#b39ddb',
};

const WIDTH = 1200;
const LABELS = 300;
const RIGHT = 90;
const TOP = 84;
const ROW = 24;
const BAR = 14;
/** Between two requests. */
const GAP = 8;
/** Ticks of the axis, about. */
const TICKS = 8;

/** One line of the picture. Times are from the begin of its request. */
interface Row {
  readonly label: string;
  readonly depth: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly stages: readonly Stage[];
}

/**
 * An SVG document.
 *
 * @param count - How many requests at most.
 */
export function drawTimeline(traces: readonly Trace[], count: number): string {
  const slowest = traces
    .flatMap((trace) => {
      const whole = trace.parent === undefined ? wholeOf(trace) : undefined;
      return whole === undefined ? [] : [{ trace, whole, ns: whole.endNs - whole.startNs }];
    })
    .toSorted((a, b) => b.ns - a.ns)
    .slice(0, count);
  const rows = slowest.flatMap(({ trace, whole }) => rowsOf(trace, whole.startNs, 0));
  const longestNs = Math.max(1, ...rows.map(({ endNs }) => endNs));
  const height = TOP + rows.length * ROW + slowest.length * GAP + 16;
  const xOf = (ns: number): number => LABELS + (ns / longestNs) * (WIDTH - LABELS - RIGHT);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="#1f2933">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="16" font-weight="600">The ${slowest.length} slowest of ${requestCount(traces)} traced requests</text>`,
    ...drawLegend(),
    ...drawAxis(longestNs, height, xOf),
    ...drawRows(rows, xOf),
    '</svg>',
    '',
  ].join('\n');
}

function requestCount(traces: readonly Trace[]): number {
  return traces.filter(({ parent }) => parent === undefined).length;
}

function rowsOf(trace: Trace, originNs: number, depth: number): readonly Row[] {
  const whole = wholeOf(trace);
  if (whole === undefined) return [];
  const fromOrigin = ({ name, startNs, endNs }: Stage): Stage => ({
    name,
    startNs: startNs - originNs,
    endNs: endNs - originNs,
  });
  const { startNs, endNs } = fromOrigin(whole);
  const label =
    trace.requestId === '' || depth > 0 ? trace.modelName : `${trace.modelName} · ${trace.requestId}`;
  const row = { label, depth, startNs, endNs, stages: stagesOf(trace).map(fromOrigin) };
  return [row, ...trace.children.flatMap((child) => rowsOf(child, originNs, depth + 1))];
}

function drawLegend(): readonly string[] {
  let x = 16;
  return STAGE_NAMES.map((name) => {
    const entry = `<rect x="${x}" y="40" width="12" height="12" rx="2" fill="${COLOURS[name]}"/><text x="${x + 17}" y="50">${name}</text>`;
    x += 40 + name.length * 7;
    return entry;
  });
}

function drawAxis(longestNs: number, height: number, xOf: (ns: number) => number): readonly string[] {
  const step = niceStep(longestNs / TICKS);
  const ticks = Array.from({ length: Math.floor(longestNs / step) + 1 }, (_, at) => at * step);
  return ticks.map((ns) => {
    const x = round(xOf(ns));
    return `<line x1="${x}" x2="${x}" y1="${TOP - 6}" y2="${height - 12}" stroke="#e4e7eb"/><text x="${x}" y="${TOP - 12}" text-anchor="middle" fill="#616e7c">${formatTime(ns)}</text>`;
  });
}

/** 1, 2 or 5 times a power of ten, at least that much. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

function drawRows(rows: readonly Row[], xOf: (ns: number) => number): readonly string[] {
  let y = TOP;
  return rows.flatMap((row, at) => {
    if (row.depth === 0 && at > 0) y += GAP;
    const drawn = drawRow(row, y, xOf);
    y += ROW;
    return drawn;
  });
}

function drawRow(row: Row, y: number, xOf: (ns: number) => number): readonly string[] {
  const middle = y + ROW / 2;
  const bar = (startNs: number, endNs: number, fill: string): string => {
    const x = xOf(startNs);
    // What is too short to be seen still shows that it was there.
    const width = Math.max(0.75, xOf(endNs) - x);
    return `<rect x="${round(x)}" y="${middle - BAR / 2}" width="${round(width)}" height="${BAR}" fill="${fill}"/>`;
  };
  const titled = (shape: string, title: string): string =>
    shape.replace('/>', `><title>${escapeXml(title)}</title></rect>`);
  const { label, depth, startNs, endNs, stages } = row;
  const total = formatTime(endNs - startNs);
  return [
    `<text x="${16 + depth * 18}" y="${middle + 4}" fill="${depth === 0 ? '#1f2933' : '#616e7c'}">${escapeXml(shorten(label, depth))}</text>`,
    titled(bar(startNs, endNs, '#eef1f4'), `${label}: ${total}`),
    ...stages.map((stage) => {
      const time = formatTime(stage.endNs - stage.startNs);
      return titled(
        bar(stage.startNs, stage.endNs, COLOURS[stage.name] ?? '#000000'),
        `${stage.name}: ${time}`,
      );
    }),
    `<text x="${round(xOf(endNs) + 6)}" y="${middle + 4}" fill="#616e7c">${total}</text>`,
  ];
}

/** To what fits beside the bars. */
function shorten(label: string, depth: number): string {
  const most = 40 - 3 * depth;
  return label.length > most ? `${label.slice(0, most - 1)}…` : label;
}

function formatTime(ns: number): string {
  if (ns === 0) return '0';
  if (ns >= 1e9) return `${trim(ns / 1e9)} s`;
  return ns >= 1e6 ? `${trim(ns / 1e6)} ms` : `${trim(ns / 1e3)} µs`;
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
