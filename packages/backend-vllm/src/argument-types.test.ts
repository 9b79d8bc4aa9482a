import assert from 'node:assert/strict';
import { test } from 'node:test';
import { argumentFault } from './argument-types.ts';

test('values of plain types', () => {
  assert.equal(argumentFault('int', 4), undefined);
  assert.equal(argumentFault('int | None', '32k'), undefined);
  assert.equal(argumentFault('int', 'auto'), undefined);
  assert.equal(argumentFault('float', 0.9), undefined);
  assert.equal(argumentFault('float', '0.9'), undefined);
  assert.equal(argumentFault('bool', false), undefined);
  assert.equal(argumentFault('bool | None', 'True'), undefined);
  assert.equal(argumentFault('str | None', 'x'), undefined);
  assert.equal(argumentFault('Optional[int]', 4), undefined);
});

test('what else was found is said', () => {
  assert.equal(argumentFault('int', 'abc'), 'must be an integer, found "abc"');
  assert.equal(argumentFault('int | None', 1.5), 'must be an integer, found 1.5');
  assert.equal(argumentFault('float', [1]), 'must be a number, found [1]');
  assert.equal(argumentFault('bool', 1), 'must be true or false, found 1');
  assert.equal(argumentFault('bool | str | None', {}), 'must be true or false or text, found {}');
});

test('a literal takes its values', () => {
  const type = "Literal['auto', 'half'] | None";
  assert.equal(argumentFault(type, 'half'), undefined);
  assert.equal(argumentFault(type, 'hlaf'), 'must be one of auto, half, found "hlaf"');
  assert.equal(argumentFault('Literal[8, 16]', 16), undefined);
  assert.equal(argumentFault('Literal[8, 16]', 9), 'must be one of 8, 16, found 9');
});

test('a type that only the engine understands takes anything', () => {
  assert.equal(argumentFault('CompilationConfig', { level: 3 }), undefined);
  assert.equal(argumentFault('str | list[int | str] | None', [1, 'a']), undefined);
  assert.equal(argumentFault('dict[str, int | None]', 3), undefined);
});
