import { execFile } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Logger } from '@nereid/backend-sdk';

/** What an engine takes on its command line. */
export interface KnownArguments {
  /** Whose arguments these are: `vLLM 0.32.0`. */
  readonly source: string;
  /** Name → type, as Python writes it. */
  readonly fields: ReadonlyMap<string, string>;
}

const SCRIPTS = new URL('../scripts/', import.meta.url);
const READ_FIELDS = fileURLToPath(new URL('engine_fields.py', SCRIPTS));
/** What `engine_fields.py` says of this version, for a vLLM whose sources can't be found. */
const FALLBACK = new URL('vllm-0.32.0.json', SCRIPTS);
const LIMIT_MS = 20_000;
/** A `#!` line, or the second line of the form that pip writes where the path is too long for one. */
const INTERPRETER = /^(?:#!(\/\S*python\S*)|'''exec' "(\/[^"]*python[^"]*)")/m;

const run = promisify(execFile);

/**
 * The arguments of the vLLM that will be started, from its own sources: true for every version, and read without an import.
 *
 * @param interpreter - A Python that has vLLM; undefined, or one that has none: the list that comes with the server.
 */
export async function readKnownArguments(
  interpreter: string | undefined,
  logger: Logger,
): Promise<KnownArguments> {
  if (interpreter !== undefined) {
    try {
      const { stdout } = await run(interpreter, [READ_FIELDS], { timeout: LIMIT_MS });
      return parseFields(stdout, '');
    } catch (error) {
      logger.verbose(1, `the arguments of vLLM could not be read with '${interpreter}': ${String(error)}`);
    }
  }
  return parseFields(await readFile(FALLBACK, 'utf8'), ', whose arguments are taken for those of the engine');
}

function parseFields(json: string, note: string): KnownArguments {
  const { version, fields } = JSON.parse(json) as { version: string; fields: Record<string, string> };
  return { source: `vLLM ${version}${note}`, fields: new Map(Object.entries(fields)) };
}

/** The Python that runs a script such as pip installs; undefined: it is no such script, or is not on the path. */
export async function findInterpreter(program: string): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = isAbsolute(program) ? [program] : folders.map((folder) => join(folder, program));
  for (const path of paths) {
    const start = await readStart(path);
    if (start === undefined) continue;
    const match = INTERPRETER.exec(start);
    return match?.[1] ?? match?.[2];
  }
  return undefined;
}

async function readStart(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch {
    return undefined;
  }
}
