import assert from 'node:assert/strict';
import { globSync, readFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { parsePbtxt } from '@nereid/protocol/model-config';
import { FIELD_SUPPORT, findFieldSupport } from '../../packages/core/src/repository/field-support.ts';
import { outdatedPages } from '../../tools/generate-reference.ts';
import { fixedParts } from '../../tools/reference/error-message.ts';
import { ERROR_MESSAGES } from '../../tools/reference/error-messages.ts';
import { configFields } from '../../tools/reference/model-config-page.ts';
import { flagNames } from '../../tools/reference/options-page.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What looks like a flag and is no flag of `serve`: curl's, pip's `--hash`, one in a text of Triton's, and those of `trace-summary`. */
const FOREIGN_FLAGS = [
  ...['data-binary', 'hash', 'log_format', 'show-tensors', 'slowest', 'svg'],
  // Of `vllm serve`.
  ...[
    'allowed-media-domains',
    'compilation-config',
    'enforce-eager',
    'no-enforce-eager',
    'tensor-parallel-size',
  ],
];
/** Folders whose documents are not the project's own. */
const LEFT_OUT = new Set(['node_modules', 'dist', 'tmp', '.git']);

interface Fence {
  readonly language: string;
  readonly text: string;
}

function markdownFiles(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: ROOT, exclude: (name) => LEFT_OUT.has(name) });
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function fencesOf(text: string): readonly Fence[] {
  return [...text.matchAll(/^```(\S*)\n([\s\S]*?)^```/gm)].map(([, language = '', body = '']) => ({
    language,
    text: body,
  }));
}

/** The TypeScript of all packages, with texts that are broken over lines put together again. */
function packageSources(): string {
  const files = globSync('packages/*/src/**/*.ts', {
    cwd: ROOT,
    exclude: (name) => name.endsWith('.test.ts'),
  });
  return files
    .map(read)
    .join('\n')
    .replaceAll(/['"`]\s*\+\s*(?:\/\/.*\n\s*)?['"`]/g, '')
    .replaceAll(/\\(['"`])/g, '$1');
}

test('the pages of docs/reference are what the code says', async () => {
  assert.deepEqual(await outdatedPages(), [], 'run tools/generate-reference.ts');
});

test('every field of a model configuration has a status', () => {
  const missing = configFields().filter(({ path }) => findFieldSupport(path) === undefined);
  assert.deepEqual(
    missing.map(({ path }) => path),
    [],
  );
});

test('every status is that of a field', () => {
  const fields = configFields().map(({ path }) => path);
  const isOfField = (row: string): boolean =>
    row.endsWith('.**') ? fields.some((path) => path.startsWith(row.slice(0, -2))) : fields.includes(row);
  assert.deepEqual(
    [...FIELD_SUPPORT.keys()].filter((row) => !isOfField(row)),
    [],
  );
});

test('only what has no effect stands for all the fields below', () => {
  const wide = [...FIELD_SUPPORT].filter(
    ([row, { status }]) => row.endsWith('.**') && status === 'supported',
  );
  assert.deepEqual(wide, []);
});

test('every message of docs/reference/errors.md is in a source', () => {
  const sources = packageSources();
  const invented = Object.values(ERROR_MESSAGES)
    .flat()
    .filter(({ text }) => !fixedParts(text).every((part) => sources.includes(part)));
  assert.deepEqual(
    invented.map(({ text }) => text),
    [],
  );
});

test('relative links lead to files', () => {
  const broken = markdownFiles('**/*.md').flatMap((file) =>
    [...read(file).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^(?:[a-z]+:|#)/.test(target))
      .filter((target) => !existsSync(join(ROOT, dirname(file), target.replace(/#.*/, ''))))
      .map((target) => `${file}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

test('flags that the documents mention exist', () => {
  const known = new Set([...flagNames(), ...FOREIGN_FLAGS]);
  const files = [
    'README.md',
    ...markdownFiles('docs/{user-guide,reference}/**/*.md'),
    'docs/known-differences.md',
  ];
  const unknown = files.flatMap((file) =>
    [...read(file).matchAll(/(?<![\w-])--([a-z][a-z0-9_-]*)/g)]
      .map(([, flag = '']) => flag)
      .filter((flag) => !known.has(flag))
      .map((flag) => `${file}: --${flag}`),
  );
  assert.deepEqual(unknown, []);
});

test('examples of config.pbtxt in the documents can be parsed', () => {
  const examples = markdownFiles('docs/**/*.md').flatMap((file) =>
    fencesOf(read(file))
      .filter(({ language, text }) => language === 'pbtxt' || (language === '' && /^\w+\s*[:{[] /.test(text)))
      .map(({ text }) => ({ file, text })),
  );
  assert.ok(examples.length >= 4, `found ${examples.length} examples`);
  for (const { file, text } of examples) {
    for (const config of alternatives(text)) parsePbtxt(config, { file });
  }
});

/** Lines that set the same field are alternatives, each a configuration of its own. */
function alternatives(text: string): readonly string[] {
  const lines = text.trimEnd().split('\n');
  const fields = new Set(lines.map((line) => line.split(' ')[0]));
  return fields.size === 1 ? lines : [text];
}
