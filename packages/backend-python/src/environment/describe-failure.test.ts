import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFailure } from './describe-failure.ts';

test("uv's drawing becomes one line that names the requirement", () => {
  const lines = [
    'Using Python 3.11.7 environment at: env',
    '  × No solution found when resolving dependencies:',
    '  ╰─▶ Because nosuch was not found in the package registry and you require',
    '      nosuch, we can conclude that your requirements are unsatisfiable.',
  ];
  assert.equal(
    describeFailure(lines),
    'No solution found when resolving dependencies: Because nosuch was not found in the package registry and you ' +
      'require nosuch, we can conclude that your requirements are unsatisfiable.',
  );
});

test('the requirement is named however many versions pip passed over', () => {
  const versions = Array.from({ length: 200 }, (_, at) => `1.${at}`).join(', ');
  const lines = [
    `ERROR: Ignored the following versions that require a different python version: ${versions}`,
    'ERROR: Could not find a version that satisfies the requirement nosuch==9 (from versions: 1.0)',
    'ERROR: No matching distribution found for nosuch==9',
  ];
  assert.equal(
    describeFailure(lines),
    'Could not find a version that satisfies the requirement nosuch==9 (from versions: 1.0) ' +
      'No matching distribution found for nosuch==9',
  );
});

test("pip's errors are told without what it printed before them", () => {
  const lines = [
    'Looking in links: /wheels',
    'ERROR: Could not find a version that satisfies the requirement nosuch==9 (from versions: none)',
    '',
    'ERROR: No matching distribution found for nosuch==9',
  ];
  assert.equal(
    describeFailure(lines),
    'Could not find a version that satisfies the requirement nosuch==9 (from versions: none) ' +
      'No matching distribution found for nosuch==9',
  );
});

test("what pip lists below an error belongs to it, and another tool's lines do not", () => {
  const lines = [
    'Collecting other==1',
    '    of nobody',
    'ERROR: Hashes are required in --require-hashes mode.',
    '    greeting==1.0 --hash=sha256:00',
    '    numpy==2 --hash=sha256:01',
    'done',
    '    and more',
  ];
  assert.equal(
    describeFailure(lines),
    'Hashes are required in --require-hashes mode. greeting==1.0 --hash=sha256:00 numpy==2 --hash=sha256:01',
  );
});

test('an installer that names no error is quoted by its last lines, and one that is silent called so', () => {
  assert.equal(describeFailure(['1', '2', '3', '4', '5', '6', 'Killed']), '3 4 5 6 Killed');
  assert.equal(describeFailure([' ']), 'the installer printed nothing');
});

test('a message of pages is cut', () => {
  assert.equal(describeFailure(['ERROR: '.padEnd(5000, 'x')]).length, 1002);
});
