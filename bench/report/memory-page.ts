/** The page, the plot and the figures of a soak. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../measure/machine.ts';
import { growthPerHour } from '../measure/trend.ts';
import type { IdleMemory } from '../soak/idle-memory.ts';
import { totalOf, type ServerMemory } from '../soak/server-memory.ts';
import type { MemorySample, SoakResult } from '../soak/run-soak.ts';
import { formatNumber } from './format.ts';
import { renderLinePlot } from './line-plot.ts';
import { table } from './markdown-table.ts';
import type { Svg } from './svg.ts';

/** The growth counts from here on: before, models are warm only one after the other. */
const WARM_UP_SHARE = 0.25;
/** Of what the server holds, an hour. */
const GOAL_SHARE = 0.02;
const TRITON_GOAL = 0.8;
const X_LABELS = 12;

/** All that a soak found. */
export interface MemoryResults extends SoakResult {
  /** ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  /** What the reader has to know besides. */
  readonly notes: readonly string[];
  readonly minutes: number;
  /** Requests a second, all kinds together. */
  readonly rate: number;
  readonly idle: IdleMemory;
}

/** Writes `memory.json`, the page about it and its plot. */
export function writeMemoryPage(folder: string, results: MemoryResults): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'memory.json'), `${JSON.stringify(results)}\n`);
  writeFileSync(join(folder, 'memory.md'), renderMemoryPage(results));
  writeFileSync(join(folder, 'memory.svg'), renderMemoryPlot(results));
}

/** Megabytes an hour by which the server and its children grew after the first quarter. */
export function growthOf({ samples, minutes }: Pick<MemoryResults, 'samples' | 'minutes'>): number {
  const warm = minutes * 60 * WARM_UP_SHARE;
  const counted = samples.filter(({ seconds }) => seconds >= warm);
  return growthPerHour(counted.map((sample) => ({ seconds: sample.seconds, value: totalOf(sample) })));
}

export function renderMemoryPage(results: MemoryResults): string {
  const { date, machine, notes, minutes, rate, samples, tallies, faults } = results;
  const asked = Object.values(tallies).reduce((sum, tally) => sum + tally.asked, 0);
  const counted = minutes * (1 - WARM_UP_SHARE);
  return `${[
    '# Memory over time',
    `Written by \`npm run bench:soak\`. One server with one model of each kind, ${formatNumber(rate)} requests/s of ` +
      'everything in turn for ' +
      `${minutes} minutes: HTTP with JSON and binary tensors, gRPC calls and streams, a tiny ONNX model, ` +
      'Python models, an ensemble, sequences, decoupled models, a language model by `generate_stream` and OpenAI’s ' +
      'API, tensors in shared memory that is registered for each of them, requests that must be refused, clients that ' +
      'cancel, leave, or connect for one request only, full queues and reloads.',
    `- Measured: ${date.slice(0, 10)}\n` +
      `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, Node ${machine.node}\n` +
      `- ${formatNumber(asked)} requests, ${faults.length === 0 ? 'no wrong answer' : `${faults.length} wrong answers or more`}` +
      notes.map((note) => `\n- ${note}`).join(''),
    '![Resident memory over time](memory.svg)',
    table(['', 'resident memory', 'goal', ''], figureRows(results)),
    `The growth is the slope of the line that fits the last ${counted} minutes best; resident sizes were ` +
      `read ${samples.length} times. Pages that processes share count in each of them.`,
    '## What became of the requests',
    'Left: the client gave up first. Refused: the queue was full, or the wait too long, as some models are made for.',
    table(
      ['', 'asked', 'answered', 'left', 'refused'],
      Object.entries(tallies).map(([name, tally]) => [
        name,
        ...[tally.asked, tally.answered, tally.left, tally.refused].map(formatCount),
      ]),
    ),
    ...(faults.length === 0 ? [] : ['## Faults', faults.map((fault) => `- ${fault}`).join('\n')]),
  ].join('\n\n')}\n`;
}

export function renderMemoryPlot({ samples, minutes, rate }: MemoryResults): Svg {
  const every = Math.max(1, Math.ceil(samples.length / X_LABELS));
  return renderLinePlot('Resident memory over time', [
    {
      title: 'Resident memory, MB',
      subtitle: `Over ${minutes} minutes of ${formatNumber(rate)} requests/s.`,
      scale: 'linear',
      xLabels: samples.map(({ seconds }, at) => (at % every === 0 ? `${Math.round(seconds / 60)} min` : '')),
      series: [
        { name: 'all processes', values: samples.map(totalOf) },
        { name: 'the server', values: samples.map(({ server }) => server) },
        { name: 'Python models', values: samples.map(({ children }) => children) },
      ],
    },
  ]);
}

function figureRows(results: MemoryResults): string[][] {
  const { samples, idle, minutes } = results;
  const last = samples.slice(-Math.ceil(samples.length / 6));
  const middle = medianOf(
    samples.filter(({ seconds }) => seconds >= minutes * 60 * WARM_UP_SHARE).slice(0, last.length),
  );
  const end = medianOf(last);
  const growth = growthOf(results);
  const goal = GOAL_SHARE * end;
  return [
    ['Growth', `${growth.toFixed(1)} MB/hour`, `≤ ${goal.toFixed(1)} MB/hour`, verdict(growth <= goal)],
    ['Median when warm', `${formatNumber(middle)} MB`, '–', ''],
    ['Median at the end', `${formatNumber(end)} MB`, '–', ''],
    ...idleRows('Idle, two Python models', idle.nereid),
    ...(idle.triton === undefined ? [] : tritonRows(idle.nereid, idle.triton)),
  ];
}

function idleRows(name: string, memory: ServerMemory): string[][] {
  const text = `${formatNumber(memory.server)} MB + ${formatNumber(memory.children)} MB for the models`;
  return [[name, text, '–', '']];
}

function tritonRows(nereid: ServerMemory, triton: ServerMemory): string[][] {
  const ratio = (name: string, of: (memory: ServerMemory) => number): string[] => {
    const value = of(nereid) / of(triton);
    return [name, formatNumber(value), `≤ ${formatNumber(TRITON_GOAL)}`, verdict(value <= TRITON_GOAL)];
  };
  return [
    ...idleRows('Triton with its Python backend alone, idle, the same two models', triton),
    ratio('Ratio to that Triton, all together', totalOf),
    ratio('Ratio to that Triton, processes of models', ({ children }) => children),
  ];
}

function verdict(isMet: boolean): string {
  return isMet ? 'met' : 'missed';
}

function medianOf(samples: readonly MemorySample[]): number {
  const sorted = samples.map(totalOf).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
