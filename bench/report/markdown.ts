import type { RatioFigure, Side, ValueFigure } from '../measure/figure.ts';
import { DELAY_PAGE } from './delay-page.ts';
import { formatGoal, formatNumber, formatSpread, formatVerdict } from './format.ts';
import { table } from './markdown-table.ts';
import type { Results } from './results.ts';

/** The page that shows the results. */
export function renderMarkdown(results: Results): string {
  const { machine, loadGenerators, rounds, notes, figures, micro, date } = results;
  const ratios = figures.filter((figure) => figure.kind === 'ratio');
  const values = figures.filter((figure) => figure.kind === 'value');
  const parts = [
    '# Benchmarks',
    'Written by `npm run bench`, which measures all of this anew (about half an hour; `npm run bench -- --quick` ' +
      'takes less than two and leaves this page alone). Compare figures of one run only: they depend on the machine.',
    `- Measured: ${date.slice(0, 10)}\n` +
      `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}\n` +
      `- Load: ${loadGenerators.http} for HTTP, ${loadGenerators.grpc} for gRPC, on the same machine; each connection ` +
      'sends its next request when the last one is answered',
    ...notes.map((note) => `> ${note}`),
    '![Ratios and their goals](ratios.svg)',
  ];
  if (ratios.length > 0)
    parts.push('## Throughput beside something simpler', ratioText(rounds), ratioTable(ratios));
  if (values.length > 0) parts.push('## Start, memory, loading', valueTable(values));
  if (micro.length > 0) {
    const rows = micro.map(({ name, nanoseconds }) => [name, formatSpread(nanoseconds)]);
    parts.push('## Parts', 'Nanoseconds per operation: median (lowest–highest) of the runs.');
    parts.push(table(['part', 'ns'], rows));
  }
  if (results.delayStudy !== undefined)
    parts.push(`Besides: [queue delay against throughput and latency](${DELAY_PAGE}).`);
  return `${parts.join('\n\n')}\n`;
}

function ratioText({ rounds, seconds, warmUpSeconds }: Results['rounds']): string {
  return (
    `Both servers run; after ${warmUpSeconds} s of warm-up each they are loaded in turn, ${rounds} rounds of ${seconds} s ` +
    'each. The ratio is taken round by round: median (lowest–highest).'
  );
}

function ratioTable(figures: readonly RatioFigure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    describeSide(figure.subject),
    describeSide(figure.base),
    formatSpread(figure.ratio),
    formatGoal(figure),
    formatVerdict(figure),
  ]);
  return table(['what', 'measured, requests/s', 'beside, requests/s', 'ratio', 'goal', ''], rows);
}

function describeSide({ name, requestsPerSecond, p50Us }: Side): string {
  return `${name}: ${formatNumber(requestsPerSecond.median)} (p50 ${formatNumber(p50Us)} µs)`;
}

function valueTable(figures: readonly ValueFigure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    `${formatSpread(figure.value)} ${figure.unit}`,
    formatGoal(figure),
    formatVerdict(figure),
  ]);
  return table(['what', 'measured', 'goal', ''], rows);
}
