import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelIdentifier } from '../model-identifier.ts';
import { WaitingEnsembles } from './waiting-ensembles.ts';

const ENSEMBLE = modelIdentifier('/a', 'ensemble');
const PART = modelIdentifier('/b', 'part');

function waitingFor(...names: readonly string[]): WaitingEnsembles {
  const waiting = new WaitingEnsembles();
  waiting.add(ENSEMBLE, { names, override: undefined });
  return waiting;
}

test('an ensemble is due when a model of a name that it needs comes or goes, in any namespace', () => {
  const waiting = waitingFor('other', 'part');
  waiting.noteChange(PART);
  assert.equal(waiting.next()?.id, ENSEMBLE);
});

test('an ensemble that is taken waits no more', () => {
  const waiting = waitingFor('part');
  waiting.noteChange(PART);
  waiting.next();
  assert.equal(waiting.next(), undefined);
  waiting.noteChange(PART);
  assert.equal(waiting.next(), undefined);
});

test('what changed before an ensemble began to wait does not concern it', () => {
  const waiting = new WaitingEnsembles();
  waiting.noteChange(PART);
  waiting.add(ENSEMBLE, { names: ['part'], override: undefined });
  assert.equal(waiting.next(), undefined);
});

test('other models and ensembles that were given up make nothing due', () => {
  const waiting = waitingFor('part');
  waiting.noteChange(modelIdentifier('/b', 'other'));
  assert.equal(waiting.next(), undefined);
  waiting.noteChange(PART);
  waiting.delete(ENSEMBLE);
  assert.equal(waiting.next(), undefined);
});
