import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DelayStudy } from '../measure/delay-study.ts';
import type { Figure } from '../measure/figure.ts';
import type { Machine } from '../measure/machine.ts';
import type { MicroFigure } from '../micro/micro-benchmark.ts';
import { DELAY_PAGE, DELAY_PLOT, renderDelayPage, renderDelayPlot } from './delay-page.ts';
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
  /** Default: it was not asked for. */
  readonly delayStudy?: DelayStudy | undefined;
}

/** The results that a folder has. */
export function readResults(folder: string): Results {
  return JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as Results;
}

/** Writes `results.json`, the page about it and its plot; for the study of queue delays a page of its own. */
export function writeResults(folder: string, results: Results): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(folder, 'README.md'), renderMarkdown(results));
  writeFileSync(join(folder, 'ratios.svg'), renderPlot(results));
  if (results.delayStudy === undefined) return;
  writeFileSync(join(folder, DELAY_PAGE), renderDelayPage(results.delayStudy, results));
  writeFileSync(join(folder, DELAY_PLOT), renderDelayPlot(results.delayStudy));
}
