import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isExecutable, type Tool } from './find-tool.ts';
import { runVisibly } from './run-visibly.ts';

const MODULE = 'github.com/bojand/ghz/cmd/ghz@v0.120.0';

/**
 * Builds ghz, with Go: some minutes, once.
 *
 * @param cache - Folder in which it stays.
 * @throws Error where there is no Go, or the build fails.
 */
export function setUpGhz(cache: string): Tool {
  const path = join(cache, 'ghz', 'ghz');
  if (!isExecutable(path)) {
    const folder = join(cache, 'ghz');
    mkdirSync(folder, { recursive: true });
    runVisibly('go', ['install', MODULE], { folder, environment: { GOBIN: folder } });
  }
  return { path, environment: {} };
}
