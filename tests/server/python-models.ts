/** Python models, and the processes that run them. */
import { readdirSync, readFileSync } from 'node:fs';
import { pythonVenv } from '../python/venv.ts';
import type { TemporaryRepository } from './make-repository.ts';
import { startServer, type RunningServer } from './start-server.ts';

export const IMPORTS = 'import numpy as np\nimport triton_python_backend_utils as pb_utils\n';

/** A configuration with one input IN and one output OUT of any length. */
export function pythonConfig(datatype: string, more = '', count = 1): string {
  return `backend: "python"
input [ { name: "IN" data_type: TYPE_${datatype} dims: [ -1 ] } ]
output [ { name: "OUT" data_type: TYPE_${datatype} dims: [ -1 ] } ]
instance_group [ { kind: KIND_CPU count: ${count} } ]
${more}`;
}

/** Serves a repository with Python models, with the interpreter of the tests. */
export function servePython(
  { path }: TemporaryRepository,
  ...flags: readonly string[]
): Promise<RunningServer> {
  return startServer(path, `--backend-config=python,interpreter=${pythonVenv()}`, ...flags);
}

/** The processes of a server's Python models. */
export function stubsOf(server: RunningServer): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return statOf(pid)[1] === String(server.process.pid) && command.includes('stub.py');
      } catch {
        return false;
      }
    });
}

/** Whether a process is there; one that has ended and is only not asked for its status is not. */
export function isAlive(pid: number): boolean {
  try {
    return statOf(pid)[0] !== 'Z';
  } catch {
    return false;
  }
}

/** State, parent and so on, of /proc: what stands behind the name, which may have spaces. */
function statOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
}
