/** The page and the plot of the study of queue delays. */
import { axisOf, seriesOf, type DelayCell, type DelayStudy } from '../measure/delay-study.ts';
import { formatNumber, formatSpread } from './format.ts';
import { renderLinePlot, type LinePanel } from './line-plot.ts';
import { table } from './markdown-table.ts';
import type { Results } from './results.ts';
import type { Svg } from './svg.ts';

/** Names of the files, which refer to each other. */
export const DELAY_PAGE = 'queue-delay.md';
export const DELAY_PLOT = 'queue-delay.svg';

/** What the page says besides the study itself. */
export type DelayPageContext = Pick<Results, 'date' | 'machine' | 'loadGenerators' | 'rounds'>;

export function renderDelayPage(study: DelayStudy, context: DelayPageContext): string {
  const { date, machine, loadGenerators, rounds } = context;
  const measures: readonly (readonly [string, (cell: DelayCell) => string])[] = [
    ['Requests per second', ({ requestsPerSecond }) => formatSpread(requestsPerSecond)],
    ['Median latency, µs', ({ p50Us }) => formatSpread(p50Us)],
    ['Mean batch', ({ batchSize }) => formatNumber(batchSize)],
  ];
  return `${[
    '# Queue delay against throughput and latency',
    `Written by \`npm run bench\`. ${study.model}, \`max_batch_size: ${study.maxBatchSize}\`, one instance, with ` +
      'different `max_queue_delay_microseconds`, over HTTP in binary form; each connection sends its next request ' +
      'when the last one is answered.',
    `- Measured: ${date.slice(0, 10)}\n` +
      `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, Node ${machine.node}\n` +
      `- Load: ${loadGenerators.http}, on the same machine; ${rounds.rounds} rounds of ${rounds.seconds} s, the ` +
      'delays in turn',
    `![Throughput and latency over the queue delay](${DELAY_PLOT})`,
    '## How to read it',
    'The batcher hands a batch over when it is full, and otherwise when its oldest request has waited for the delay. ' +
      'While the instance executes, requests gather without any delay. So a delay pays where requests come one by ' +
      'one and faster than the delay passes: then a batch is larger and its execution shared. Where fewer requests ' +
      'can wait than fit into a batch, as with few connections here, every request waits for the whole delay and ' +
      'nothing is won; a single connection, which nobody ever joins, is let off the delay after 16 requests. Where the connections fill a batch, the delay hardly matters.',
    ...measures.flatMap(([title, format]) => [`## ${title}`, gridTable(study, format)]),
  ].join('\n\n')}\n`;
}

export function renderDelayPlot(study: DelayStudy): Svg {
  const xLabels = axisOf(study, 'delayUs').map((delay) => `${formatDelay(delay)}`);
  const panel = (title: string, subtitle: string, measure: (cell: DelayCell) => number): LinePanel => ({
    title,
    subtitle,
    xLabels,
    series: axisOf(study, 'connections').map((connections) => ({
      name: `${connections} ${connections === 1 ? 'connection' : 'connections'}`,
      values: seriesOf(study, connections, measure),
    })),
  });
  return renderLinePlot('Throughput and latency over the queue delay', [
    panel(
      'Requests per second',
      'Over the queue delay; higher is better.',
      (cell) => cell.requestsPerSecond.median,
    ),
    panel('Median latency, µs', 'Over the queue delay; lower is better.', (cell) => cell.p50Us.median),
  ]);
}

function gridTable(study: DelayStudy, format: (cell: DelayCell) => string): string {
  const head = ['connections', ...axisOf(study, 'delayUs').map((delay) => `delay ${formatDelay(delay)}`)];
  const rows = axisOf(study, 'connections').map((connections) => [
    String(connections),
    ...study.cells.filter((cell) => cell.connections === connections).map(format),
  ]);
  return table(head, rows);
}

function formatDelay(delayUs: number): string {
  return delayUs < 1000 ? `${delayUs} µs` : `${delayUs / 1000} ms`;
}
