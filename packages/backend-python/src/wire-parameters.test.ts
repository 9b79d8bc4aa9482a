import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Parameters } from '@nereid/backend-sdk';
import { fromWireParameters, toWireParameters } from './wire-parameters.ts';

test('parameters come back as they were, whatever JSON makes of numbers', () => {
  const parameters: Parameters = {
    small: 1,
    fraction: 0.5,
    large: 2n ** 63n - 1n,
    lowest: -(2n ** 63n),
    nan: NaN,
    infinite: -Infinity,
    text: 'x',
    yes: true,
  };
  const json = JSON.stringify(toWireParameters(parameters));
  assert.deepEqual(fromWireParameters(JSON.parse(json) as ReturnType<typeof toWireParameters>), parameters);
});
