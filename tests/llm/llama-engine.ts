/** A real engine that costs little: llama.cpp's server, from PyPI, with a random model of a few hundred kilobytes. */
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeVenv } from '../python/venv.ts';

/** The command `llama-server`, as the example has it. */
const PROGRAM = join(import.meta.dirname, '../../examples/08-llm-rag/llama_server.py');

/** What a model of the engine `llamacpp` needs. */
export interface LlamaEngine {
  /** For `engine_command`: takes the arguments of `llama-server`. */
  readonly command: string;
  /** A GGUF file. */
  readonly model: string;
}

/**
 * Installs the engine on the first call, and makes its command and its model in a folder.
 *
 * @throws Error with pip's own words when it can't be installed here.
 */
export function makeLlamaEngine(folder: string): LlamaEngine {
  const python = makeVenv('nereid-llama', join(import.meta.dirname, 'requirements.txt'));
  const model = join(folder, 'tiny.gguf');
  execFileSync(python, [join(import.meta.dirname, 'make-gguf.py'), model]);
  const command = join(folder, 'llama-server');
  // What a small machine has, unless a test says otherwise: the last of several arguments counts.
  const small = '--parallel 2 --ctx-size 1024 --threads 1 --no-warmup';
  writeFileSync(command, `#!/bin/sh\nexec '${python}' '${PROGRAM}' ${small} "$@"\n`);
  chmodSync(command, 0o755);
  return { command, model };
}
