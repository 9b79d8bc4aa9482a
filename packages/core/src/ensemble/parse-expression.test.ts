import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { holds, type ExpressionValues, type Scalar } from './evaluate-expression.ts';
import { tensorsIn } from './expression.ts';
import { parseExpression } from './parse-expression.ts';

const TENSORS: Readonly<Record<string, readonly NonNullable<Scalar>[]>> = {
  SCORE: [0.7],
  'logits.1': [-1, 4, 2],
  LANG: ['de'],
  BIG: [9007199254740993n],
  FLAG: [true],
  ODD: [NaN],
  'a b': [1],
};
const VALUES: ExpressionValues = {
  elements: (name) => TENSORS[name],
  hasTensor: (name) => name in TENSORS,
  parameter: (name) => ({ mode: 'fast', level: 3 })[name],
};

function cases(table: Readonly<Record<string, boolean>>): void {
  for (const [text, expected] of Object.entries(table)) {
    test(`${text} is ${expected}`, () => assert.equal(holds(parseExpression(text), VALUES), expected));
  }
}

describe('a condition', () => {
  cases({
    'SCORE > 0.5': true,
    'SCORE>=.7': true,
    'SCORE < 0.5 || FLAG': true,
    'SCORE < 0.5 || FLAG && !FLAG': false,
    '(SCORE < 0.5 || FLAG) && FLAG': true,
    '!(SCORE < 0.5)': true,
    'LANG == "de"': true,
    "LANG != 'de'": false,
    'LANG < "en"': true,
    'max(logits.1) == 4 && min(logits.1) == -1': true,
    'count(logits.1) == 3': true,
    'any(logits.1) && all(logits.1)': true,
    'BIG == 9007199254740992': false,
    'BIG > 9007199254740992': true,
    'tensor("a b") == 1': true,
    'param("mode") == "fast" && param("level") >= 3': true,
    'true && !false': true,
    'ODD == ODD': false,
    'ODD != ODD': true,
  });
});

describe('what is not there', () => {
  cases({
    NONE: false,
    '!NONE': true,
    'NONE > 1': false,
    'NONE != 1': false,
    'any(NONE)': false,
    'has(NONE)': false,
    'has(SCORE)': true,
    'param("none") == "x"': false,
    'has(param("none"))': false,
    'has(param("mode"))': true,
  });
});

describe('values of different kinds', () => {
  cases({ 'param("mode") == 3': false, 'param("mode") != 3': true, 'param("mode") < 3': false });
});

test('a tensor of several elements is not one value', () => {
  assert.throws(() => holds(parseExpression('logits.1 > 1'), VALUES), {
    message: "tensor 'logits.1' has 3 elements, expected one",
  });
});

test('names the tensors that are read, each once', () => {
  const text = 'has(A) && max(B) > A || !(tensor("C d") == param("p"))';
  assert.deepEqual(tensorsIn(parseExpression(text)), ['A', 'B', 'C d']);
});

describe('a mistake is told with its place', () => {
  const mistakes: Readonly<Record<string, RegExp>> = {
    '': /^at character 1: expected a value, found its end$/,
    'A >': /^at character 4: expected a value, found its end$/,
    'A = 1': /^at character 3: unexpected '='$/,
    'A 1': /^at character 3: expected an operator or the condition's end, found '1'$/,
    '(A': /^at character 3: expected '\)', found its end$/,
    'A > 1 > 2': /^at character 7: expected an operator/,
    'exit(A)': /^at character 1: unknown function 'exit', expected one of has, param, tensor, min/,
    'min(param("p"))': /expected the name of a tensor, found a parameter$/,
    'param(p)': /^at character 7: expected a name in quotes, found 'p'$/,
    '"open': /^at character 1: unexpected '"'$/,
    'A; B': /^at character 2: unexpected ';'$/,
    [`${'('.repeat(60)}A`]: /nested deeper than 50$/,
    [`${'!'.repeat(60)}A`]: /nested deeper than 50$/,
    ['A'.repeat(5000)]: /longer than 4096 characters$/,
  };
  for (const [text, message] of Object.entries(mistakes)) {
    test(JSON.stringify(text.slice(0, 40)), () => assert.throws(() => parseExpression(text), { message }));
  }
});
