import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InferenceServerError } from '@nereid/backend-sdk';
import { describeLocalPackages } from './local-requirements.ts';
import { pathExists } from './path-exists.ts';

/** The requirements of an environment, read. */
export interface Requirements {
  /** `pylock.toml`, `requirements.txt` and `pyproject.toml`, as they were found. */
  readonly files: readonly string[];
  /** All that decides what is installed: the content of those files and of what they refer to. */
  readonly content: readonly string[];
  /** Whether they name exact files by their hashes, so that nothing may be added to them. */
  readonly isLocked: boolean;
}

const INCLUDED = /^[ \t]*(?:-r|-c|--requirement|--constraint)[ \t=]*(?:"([^"\n]+)"|'([^'\n]+)'|(\S+))/gm;
/** What lies beside the file rather than in an index: `./package`, `-e .`, `wheels/a-1-py3-none-any.whl`. */
const LOCAL_PATH =
  /^[ \t]*(?:[.\\/]|-[ef]|--editable|--find-links|[^#@\s]*\/)|\.(?:whl|zip|tar\.gz)\b|file:/m;

/** @throws InferenceServerError INVALID_ARG naming a file that can't be read, and who refers to it. */
export async function readRequirements(files: readonly string[]): Promise<Requirements> {
  const content: string[] = [];
  const seen = new Set<string>();
  let isLocked = false;
  const read = async (file: string, from?: string): Promise<void> => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = await readText(file, from);
    if (LOCAL_PATH.test(text))
      content.push(dirname(file), ...(await describeLocalPackages(text, dirname(file))));
    content.push(basename(file), text);
    isLocked ||= text.includes('--hash=');
    isLocked ||= isPylock(file);
    if (file.endsWith('.toml')) return;
    for (const [, double, single, plain = ''] of text.matchAll(INCLUDED)) {
      const name = double ?? single ?? plain;
      if (!name.includes('://')) await read(resolve(dirname(file), name), file);
    }
  };
  for (const file of files) {
    await read(file);
    const lock = await findUvLock(file);
    if (lock !== undefined) {
      await read(lock, file);
      isLocked = true;
    }
  }
  return { files, content, isLocked };
}

/** Whether a file is a lock of any tool, by PEP 751. */
export function isPylock(file: string): boolean {
  return basename(file) === 'pylock.toml';
}

/** The `uv.lock` that belongs to a `pyproject.toml`. */
export async function findUvLock(file: string): Promise<string | undefined> {
  if (basename(file) !== 'pyproject.toml') return undefined;
  const lock = join(dirname(file), 'uv.lock');
  return (await pathExists(lock)) ? lock : undefined;
}

async function readText(file: string, from: string | undefined): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    const source = from === undefined ? '' : `, which ${from} names`;
    throw new InferenceServerError('INVALID_ARG', `can't read ${file}${source}: ${why}`);
  });
}
