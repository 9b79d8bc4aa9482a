/** A plot of lines over a few values of one thing, each line for one value of another. */
import { formatNumber } from './format.ts';
import { element, label, type Svg } from './svg.ts';

const WIDTH = 860;
const PANEL_HEIGHT = 300;
const LEFT = 76;
const RIGHT = 170;
const TOP = 64;
const BOTTOM = 52;
/** More of them would hide their line. */
const MAX_DOTS = 40;
const STYLES = ['one', 'two', 'three', 'four'] as const;

const STYLE = `
text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:13px;fill:#1f2933}
.page{fill:#ffffff}.title{font-size:16px;font-weight:600}.quiet{fill:#66727f;font-size:12px}.grid{stroke:#e3e8ee}
polyline{fill:none;stroke-width:2}.one{stroke:#2f7f9d}.two{stroke:#c8622d}.three{stroke:#5b8c3a}.four{stroke:#8a5aa8}
circle.one{fill:#2f7f9d}circle.two{fill:#c8622d}circle.three{fill:#5b8c3a}circle.four{fill:#8a5aa8}
@media (prefers-color-scheme:dark){text{fill:#e4e9ef}.page{fill:#11181f}.quiet{fill:#9aa7b5}.grid{stroke:#27323d}}`;

/** A line. */
export interface LineSeries {
  readonly name: string;
  /** One for each value of the x axis; above 0 where the scale is logarithmic. */
  readonly values: readonly number[];
}

/** Lines with axes of their own. */
export interface LinePanel {
  readonly title: string;
  readonly subtitle: string;
  /** Of the y axis; a linear one begins at 0. Default: logarithmic. */
  readonly scale?: 'linear' | 'logarithmic';
  /** One for each value; an empty one is not shown. */
  readonly xLabels: readonly string[];
  /** At most four. */
  readonly series: readonly LineSeries[];
}

/** Panels, one below the other, as an SVG document. */
export function renderLinePlot(title: string, panels: readonly LinePanel[]): Svg {
  const height = panels.length * PANEL_HEIGHT;
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${WIDTH} ${height}`,
    width: WIDTH,
    height,
    role: 'img',
    'aria-label': title,
  };
  const drawn = panels.map((panel, index) =>
    element('g', { transform: `translate(0 ${index * PANEL_HEIGHT})` }, drawPanel(panel)),
  );
  return `${element('svg', attributes, [
    `<style>${STYLE}</style>`,
    element('rect', { class: 'page', width: WIDTH, height, rx: 8 }),
    ...drawn,
  ])}\n`;
}

/** Powers of ten, and twice and five times these, so far that all values lie between the first and the last. */
export function logTicks(values: readonly number[]): readonly number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power += 1)
    all.push(...[1, 2, 5].map((factor) => factor * 10 ** power));
  const first = all.findLastIndex((tick) => tick <= least);
  const last = all.findIndex((tick) => tick >= most);
  return all.slice(first, Math.max(last, first + 1) + 1);
}

/** Steps of a power of ten, or twice or five times it, from 0 to the first that no value exceeds: five to ten of them. */
export function linearTicks(values: readonly number[]): readonly number[] {
  const most = Math.max(...values);
  if (!(most > 0)) return [0, 1];
  const power = 10 ** Math.floor(Math.log10(most / 5));
  const step = power * ([1, 2, 5].findLast((factor) => factor * power <= most / 5) ?? 1);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

/** Ticks of the y axis, and where a value lies between the first (0) and the last (1). */
function scaleOf(
  kind: LinePanel['scale'],
  values: readonly number[],
): readonly [readonly number[], (value: number) => number] {
  const isLinear = kind === 'linear';
  const ticks = isLinear ? linearTicks(values) : logTicks(values);
  const place = isLinear ? (value: number) => value : Math.log10;
  const [low, high] = [place(ticks[0] ?? 1), place(ticks.at(-1) ?? 10)];
  return [ticks, (value) => (place(value) - low) / (high - low)];
}

function drawPanel({ title, subtitle, scale, xLabels, series }: LinePanel): Svg[] {
  const [ticks, share] = scaleOf(
    scale,
    series.flatMap(({ values }) => values),
  );
  const bottom = PANEL_HEIGHT - BOTTOM;
  const y = (value: number): number => bottom - share(value) * (bottom - TOP);
  const step = (WIDTH - LEFT - RIGHT) / Math.max(1, xLabels.length - 1);
  const x = (index: number): number => LEFT + index * step;
  const parts = [
    label(title, { class: 'title', x: 24, y: 24 }),
    label(subtitle, { class: 'quiet', x: 24, y: 43 }),
    ...ticks.flatMap((tick) => [
      element('line', { class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }),
      label(formatTick(tick), { class: 'quiet', x: LEFT - 8, y: y(tick) + 4, 'text-anchor': 'end' }),
    ]),
    ...xLabels.flatMap((text, index) =>
      text === ''
        ? []
        : [label(text, { class: 'quiet', x: x(index), y: bottom + 20, 'text-anchor': 'middle' })],
    ),
  ];
  series.forEach(({ name, values }, index) => {
    const style = STYLES[index % STYLES.length] ?? STYLES[0];
    const points = values.map((value, at) => [x(at), y(value)] as const);
    const text = points.map((point) => point.map((value) => value.toFixed(1)).join(',')).join(' ');
    parts.push(element('polyline', { class: style, points: text }));
    for (const [cx, cy] of points.length > MAX_DOTS ? [] : points)
      parts.push(element('circle', { class: style, cx, cy, r: 3.5 }));
    const legend = TOP + 10 + index * 20;
    parts.push(element('circle', { class: style, cx: WIDTH - RIGHT + 24, cy: legend, r: 5 }));
    parts.push(label(name, { x: WIDTH - RIGHT + 36, y: legend + 4.5 }));
  });
  return parts;
}

function formatTick(tick: number): string {
  return tick >= 1 && tick < 1000 ? String(tick) : formatNumber(tick);
}
