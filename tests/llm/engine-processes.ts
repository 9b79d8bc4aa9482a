/** The processes of an engine that a server started, as the operating system has them (Linux). */
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeEngineCommand } from './engine-command.ts';
import type { EngineScript } from './engine-script.ts';

/** A command for `engine_command` by which all that comes of it can be found. */
export interface MarkedCommand {
  readonly path: string;
  /** Processes that are there because of it: guard, engine, what the engine started. Not those that have ended. */
  processes(): Promise<readonly number[]>;
  /** The engine itself, the first of several; undefined: none runs. */
  engine(): Promise<number | undefined>;
  /** All engines that run. */
  engines(): Promise<readonly number[]>;
}

/** Writes a command that starts a scripted engine into a folder of its own. */
export async function markedCommand(folder: string, script: EngineScript = {}): Promise<MarkedCommand> {
  return markCommand(folder, await writeEngineCommand(folder, script), 'scripted-engine-main');
}

/**
 * Writes a command that starts another one.
 *
 * @param program - What the command line of an engine has, and no other process of the command.
 */
export async function markCommand(folder: string, command: string, program: string): Promise<MarkedCommand> {
  const path = join(folder, 'marked-engine');
  const mark = `NEREID_TEST_ENGINE=${folder}`;
  await writeFile(path, `#!/bin/sh\nexport '${mark}'\nexec '${command}' "$@"\n`);
  await chmod(path, 0o755);
  const isOurs = async (pid: number): Promise<boolean> =>
    (await isRunning(pid)) &&
    ((await ofProcess(pid, 'environ')).includes(mark) || (await ofProcess(pid, 'cmdline')).includes(path));
  const find = async (condition: (pid: number) => Promise<boolean>): Promise<readonly number[]> => {
    const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
    const found = await Promise.all(pids.map(condition));
    return pids.filter((_, index) => found[index]);
  };
  const engines = (): Promise<readonly number[]> =>
    find(async (pid) => (await ofProcess(pid, 'cmdline')).includes(program) && (await isOurs(pid)));
  return {
    path,
    processes: () => find(isOurs),
    engine: async () => (await engines())[0],
    engines,
  };
}

/** Whether a process runs; one that has ended and was not collected by its parent does not. */
export async function isRunning(pid: number): Promise<boolean> {
  return /\) [^ZX] /.test(await ofProcess(pid, 'stat'));
}

/** A file of a process; '' when that is gone, or somebody else's. */
async function ofProcess(pid: number, file: 'cmdline' | 'environ' | 'stat'): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '');
}
