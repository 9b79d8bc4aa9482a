/**
 * A plot of all figures that have something to be held against: ratios of throughput with the least that is
 * wanted, and times and sizes as a part of the most that is allowed.
 */
import { meetsGoal, type Figure } from '../measure/figure.ts';
import type { Spread } from '../measure/spread.ts';
import { formatNumber } from './format.ts';
import type { Results } from './results.ts';
import { element, label, tspan, type Svg } from './svg.ts';

const WIDTH = 940;
const MARGIN = 24;
const LABEL_WIDTH = 440;
const AFTER_WIDTH = 170;
const AXIS_WIDTH = WIDTH - 2 * MARGIN - LABEL_WIDTH - AFTER_WIDTH;
const LEFT = MARGIN + LABEL_WIDTH;
const ROW = 30;
const BAR = 16;
const PANEL_HEAD = 64;
const PANEL_FOOT = 34;

const STYLE = `
text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:13px;fill:#1f2933}
.page{fill:#ffffff}.title{font-size:16px;font-weight:600}.quiet{fill:#66727f;font-size:12px}
.grid{stroke:#e3e8ee}.zero{stroke:#9aa5b1}.met{fill:#2f7f9d}.missed{fill:#c8622d}.open{fill:#8a97a6}
.goal{stroke:#1f2933;stroke-width:2}.range{stroke:#1f2933;stroke-opacity:.55;stroke-width:1.25}
.behind{paint-order:stroke;stroke:#ffffff;stroke-width:4px;stroke-linejoin:round}
.number{font-weight:600;font-variant-numeric:tabular-nums}
@media (prefers-color-scheme:dark){text{fill:#e4e9ef}.page{fill:#11181f}.quiet{fill:#9aa7b5}.grid{stroke:#27323d}
.zero{stroke:#5d6b79}.met{fill:#4ba3c3}.missed{fill:#e07f4a}.open{fill:#6d7b8a}.goal{stroke:#f2f5f8}.range{stroke:#f2f5f8}
.behind{stroke:#11181f}}`;

/** A bar: where it ends on the axis, and what to write behind it. */
interface Bar {
  readonly name: string;
  readonly spread: Spread;
  readonly goal: number | undefined;
  readonly isMet: boolean | undefined;
  /** Behind the bar: the figure, and what it is a part of. */
  readonly figure: string;
  readonly of: string;
}

interface Panel {
  readonly title: string;
  readonly subtitle: string;
  readonly bars: readonly Bar[];
  readonly axis: (value: number) => string;
}

/** The plot as an SVG document. */
export function renderPlot({ figures, machine }: Pick<Results, 'figures' | 'machine'>): Svg {
  const panels = [ratioPanel(figures), limitPanel(figures)].filter(({ bars }) => bars.length > 0);
  const drawn: Svg[] = [];
  let top = MARGIN / 2;
  for (const panel of panels) {
    drawn.push(element('g', { transform: `translate(0 ${top})` }, drawPanel(panel)));
    top += PANEL_HEAD + panel.bars.length * ROW + PANEL_FOOT;
  }
  const height = top + MARGIN + 4;
  const where = `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`;
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${WIDTH} ${height}`,
    width: WIDTH,
    height,
    role: 'img',
    'aria-label': 'Benchmark results and their goals',
  };
  return `${element('svg', attributes, [
    `<style>${STYLE}</style>`,
    element('rect', { class: 'page', width: WIDTH, height, rx: 8 }),
    ...drawn,
    label(where, { class: 'quiet', x: MARGIN, y: height - MARGIN / 2 - 4 }),
    ...drawLegend(height - MARGIN / 2 - 4),
  ])}\n`;
}

/** What the colours mean, at the right. */
function drawLegend(y: number): Svg[] {
  return [
    ['met', 'goal met'],
    ['missed', 'missed'],
    ['open', 'no goal'],
  ].flatMap(([verdict = '', text = ''], index) => {
    const x = WIDTH - MARGIN - 255 + index * 92;
    const box = { class: verdict, x, y: y - 10, width: 12, height: 12, rx: 2 };
    return [element('rect', box), label(text, { class: 'quiet', x: x + 18, y })];
  });
}

function ratioPanel(figures: readonly Figure[]): Panel {
  const bars = figures.flatMap((figure): Bar[] => {
    if (figure.kind !== 'ratio') return [];
    const { name, ratio, goal, base } = figure;
    return [
      {
        name,
        spread: ratio,
        goal,
        isMet: meetsGoal(figure),
        figure: formatNumber(ratio.median),
        of: base.name,
      },
    ];
  });
  return {
    title: 'Throughput as a part of something simpler',
    subtitle: 'Longer is better. Thick mark: the least that is wanted. Thin line: lowest and highest round.',
    bars,
    axis: formatNumber,
  };
}

function limitPanel(figures: readonly Figure[]): Panel {
  const bars = figures.flatMap((figure): Bar[] => {
    if (figure.kind !== 'value' || figure.goal === undefined) return [];
    const { name, value, goal, unit } = figure;
    const spread = { median: value.median / goal, min: value.min / goal, max: value.max / goal };
    const texts = { figure: formatNumber(value.median), of: `${formatNumber(goal)} ${unit}` };
    return [{ name, spread, goal: 1, isMet: meetsGoal(figure), ...texts }];
  });
  return {
    title: 'Time and memory as a part of the limit',
    subtitle: 'Shorter is better. Thick mark: the most that is allowed. Thin line: lowest and highest run.',
    bars,
    axis: (value) => `${Math.round(value * 100)} %`,
  };
}

function drawPanel({ title, subtitle, bars, axis }: Panel): Svg[] {
  const farthest = Math.max(1, ...bars.map(({ spread, goal = 0 }) => Math.max(spread.max, goal)));
  const step = farthest <= 1.25 ? 0.25 : farthest <= 3 ? 0.5 : Math.ceil(farthest / 6);
  const last = Math.ceil(farthest / step - 0.1) * step;
  const x = (value: number): number => LEFT + (value / last) * AXIS_WIDTH;
  const bottom = PANEL_HEAD + bars.length * ROW;
  const parts = [
    label(title, { class: 'title', x: MARGIN, y: 24 }),
    label(subtitle, { class: 'quiet', x: MARGIN, y: 43 }),
  ];
  for (let value = 0; value <= last + step / 2; value += step) {
    const line = { x1: x(value), x2: x(value), y1: PANEL_HEAD - 6, y2: bottom + 4 };
    parts.push(element('line', { class: value === 0 ? 'zero' : 'grid', ...line }));
    parts.push(label(axis(value), { class: 'quiet', x: x(value), y: bottom + 20, 'text-anchor': 'middle' }));
  }
  bars.forEach((bar, index) => parts.push(...drawBar(bar, PANEL_HEAD + index * ROW, x)));
  return parts;
}

function drawBar(
  { name, spread, goal, isMet, figure, of }: Bar,
  top: number,
  x: (value: number) => number,
): Svg[] {
  const middle = top + ROW / 2;
  const baseline = middle + 4.5;
  const verdict = isMet === undefined ? 'open' : isMet ? 'met' : 'missed';
  const bar = {
    x: x(0),
    y: middle - BAR / 2,
    width: Math.max(1, x(spread.median) - x(0)),
    height: BAR,
    rx: 2,
  };
  const behind = Math.max(x(spread.max), goal === undefined ? 0 : x(goal)) + 10;
  const parts = [
    label(name, { x: LEFT - 12, y: baseline, 'text-anchor': 'end' }),
    element('rect', { class: verdict, ...bar }),
  ];
  if (spread.max > spread.min) parts.push(...drawRange(spread, middle, x));
  if (goal !== undefined) {
    const mark = { x1: x(goal), x2: x(goal), y1: middle - ROW / 2 + 3, y2: middle + ROW / 2 - 3 };
    parts.push(element('line', { class: 'goal', ...mark }));
  }
  const texts = [tspan('number', figure), tspan('quiet', ` of ${of}`)];
  parts.push(element('text', { class: 'behind', x: behind, y: baseline }, texts));
  return parts;
}

function drawRange({ min, max }: Spread, middle: number, x: (value: number) => number): Svg[] {
  const end = (value: number): Svg =>
    element('line', { class: 'range', x1: x(value), x2: x(value), y1: middle - 4, y2: middle + 4 });
  return [
    element('line', { class: 'range', x1: x(min), x2: x(max), y1: middle, y2: middle }),
    end(min),
    end(max),
  ];
}
