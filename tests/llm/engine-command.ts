/** A command that starts a scripted engine: what stands in `engine_command` of a model in a test. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineScript } from './engine-script.ts';

const MAIN = join(import.meta.dirname, 'scripted-engine-main.ts');

/**
 * Writes the command into a folder.
 *
 * @returns Its path. It takes an engine's command line: `serve <model> --port …`.
 */
export async function writeEngineCommand(folder: string, script: EngineScript = {}): Promise<string> {
  const file = join(folder, 'scripted-engine');
  const json = JSON.stringify(script).replaceAll("'", String.raw`'\''`);
  await writeFile(file, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' --script='${json}' "$@"\n`);
  await chmod(file, 0o755);
  return file;
}
