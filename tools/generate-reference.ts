/**
 * Writes docs/reference from the tables in the code. With `--check` it writes nothing and fails when a page is not
 * what it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorsPage } from './reference/errors-page.ts';
import { metricsPage } from './reference/metrics-page.ts';
import { modelConfigPage } from './reference/model-config-page.ts';
import { optionsPage } from './reference/options-page.ts';

const FOLDER = join(import.meta.dirname, '../docs/reference');

/** The pages by file name. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['errors.md', errorsPage()],
    ['metrics.md', await metricsPage()],
    ['model-config.md', modelConfigPage()],
    ['options.md', optionsPage()],
  ]);
}

/** Names of the pages that are not as they should be. */
export async function outdatedPages(): Promise<readonly string[]> {
  const pages = await referencePages();
  return [...pages].filter(([name, text]) => readPage(name) !== text).map(([name]) => name);
}

function readPage(name: string): string | undefined {
  try {
    return readFileSync(join(FOLDER, name), 'utf8');
  } catch {
    return undefined;
  }
}

async function main(): Promise<void> {
  if (process.argv.includes('--check')) {
    const outdated = await outdatedPages();
    if (outdated.length === 0) return;
    console.error(
      `docs/reference is not up to date: ${outdated.join(', ')}; run tools/generate-reference.ts`,
    );
    process.exitCode = 1;
    return;
  }
  for (const [name, text] of await referencePages()) writeFileSync(join(FOLDER, name), text);
}

if (import.meta.main) await main();
