import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from '../measure/figure.ts';
import type { Machine } from '../measure/machine.ts';
import type { MicroFigure } from '../micro/micro-benchmark.ts';
import { renderMarkdown } from './markdown.ts';
import { renderPlot } from './plot.ts';

/** All that a run found. */
export interface Results {
  /** ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  readonly loadGenerators: { readonly http: string; readonly grpc: string };
  readonly rounds: { readonly rounds: number; readonly seconds: number; readonly warmUpSeconds: number };
  /** What the reader has to know besides. */
  readonly notes: readonly string[];
  readonly figures: readonly Figure[];
  readonly micro: readonly MicroFigure[];
}

/** Writes `results.json`, the page about it and its plot. */
export function writeResults(folder: string, results: Results): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(folder, 'README.md'), renderMarkdown(results));
  writeFileSync(join(folder, 'ratios.svg'), renderPlot(results));
}
