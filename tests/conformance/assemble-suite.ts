/**
 * A copy of the conformance corpus in which our models in TypeScript stand for those in Python: same names,
 * configurations and behaviour.
 *
 *     node tests/conformance/assemble-suite.ts FOLDER      then: run.py --suite FOLDER --ignore-backend-names …
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT } from '../server/start-server.ts';

const SCRIPTS = join(import.meta.dirname, 'script-models');

/** Models that share a script; the others have one of their own name. */
const SHARED_SCRIPTS: Readonly<Record<string, string>> = {
  dyn_batch: 'slow',
  dyn_queue: 'slow',
  dyn_timeout: 'slow',
  dyn_timeout_delay: 'slow',
  dyn_timeout_fixed: 'slow',
  gen_cached: 'count',
  py_slow: 'slow',
  py_warm: 'count',
  rl_free: 'slow',
  rl_one: 'slow',
  rl_two: 'slow',
  seq_direct: 'sequence',
  seq_oldest: 'sequence',
  seq_one_slot: 'sequence',
  seq_string: 'sequence',
};

const PYTHON_BACKEND = /backend: "python"/;

/** The folder of the corpus: NEREID_CONFORMANCE, by default beside this repository. */
export function corpusFolder(): string {
  return resolve(ROOT, process.env['NEREID_CONFORMANCE'] ?? '../shared/conformance');
}

/**
 * Makes the copy. What it shares with the corpus are links.
 *
 * @param folder - Is created.
 * @returns Names of the models that stay in Python, as there is no script for them.
 */
export function assembleSuite(corpus: string, folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const repositories = ['models', 'broken'];
  for (const entry of readdirSync(corpus)) {
    if (!repositories.includes(entry)) symlinkSync(join(corpus, entry), join(folder, entry));
  }
  return repositories.flatMap((repository) => {
    mkdirSync(join(folder, repository));
    return readdirSync(join(corpus, repository)).filter(
      (model) => !assembleModel(join(corpus, repository, model), join(folder, repository, model), model),
    );
  });
}

/** @returns Whether the model needs no Python. */
function assembleModel(source: string, target: string, model: string): boolean {
  const path = join(source, 'config.pbtxt');
  const config = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const script = scriptOf(model);
  if (!PYTHON_BACKEND.test(config) || script === undefined) {
    symlinkSync(source, target);
    return !PYTHON_BACKEND.test(config);
  }
  cpSync(source, target, { recursive: true, filter: (file) => !file.endsWith('.py') });
  writeFileSync(join(target, 'config.pbtxt'), config.replace(PYTHON_BACKEND, 'backend: "script"'));
  cpSync(script, join(target, '1/model.ts'));
  cpSync(join(SCRIPTS, 'python-json.ts'), join(target, '1/python-json.ts'));
  return true;
}

/** A script that tools could make nothing of ends in `.ts.txt`. */
function scriptOf(model: string): string | undefined {
  const name = SHARED_SCRIPTS[model] ?? model.replaceAll('_', '-');
  return [`${name}.ts`, `broken/${name}.ts`, `broken/${name}.ts.txt`]
    .map((file) => join(SCRIPTS, file))
    .find((file) => existsSync(file));
}

if (import.meta.main) {
  const [folder = ''] = process.argv.slice(2);
  if (folder === '' || existsSync(folder)) throw new Error('expected a folder that does not exist yet');
  const inPython = assembleSuite(corpusFolder(), folder);
  if (inPython.length > 0) process.stdout.write(`These need Python: ${inPython.join(', ')}\n`);
}
