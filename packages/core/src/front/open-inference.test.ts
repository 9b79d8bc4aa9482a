import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenInference } from './open-inference.ts';

const MUCH = 1 << 20;

function start(): { readonly open: OpenInference; readonly told: boolean[] } {
  const told: boolean[] = [];
  const open = new OpenInference();
  open.begin({ cancel: () => undefined, pause: (isPaused) => told.push(isPaused) });
  return { open, told };
}

test('a model makes a break while much is on its way to the front', () => {
  const { open, told } = start();
  open.noteSent(MUCH - 1);
  assert.deepEqual(told, []);
  open.noteSent(1);
  assert.deepEqual(told, [true]);
  open.noteTaken(1);
  assert.deepEqual(told, [true, false]);
});

test('the wish of the front and what is on its way are one break', () => {
  const { open, told } = start();
  open.hold(true);
  open.noteSent(MUCH);
  open.hold(false);
  assert.deepEqual(told, [true]);
  open.noteTaken(MUCH);
  assert.deepEqual(told, [true, false]);
});

test('responses that come before the inference is accepted count, too', () => {
  const told: boolean[] = [];
  const open = new OpenInference();
  open.noteSent(MUCH);
  open.begin({ cancel: () => undefined, pause: (isPaused) => told.push(isPaused) });
  assert.deepEqual(told, [true]);
});
