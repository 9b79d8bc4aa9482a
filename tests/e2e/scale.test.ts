/** The checks of `npm run test:scale`, with small numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkActiveConnections } from '../scale/active-connections.ts';
import type { Finding } from '../scale/finding.ts';
import { checkIdleConnections } from '../scale/idle-connections.ts';
import { checkInstances } from '../scale/instances.ts';
import { checkSizes } from '../scale/sizes.ts';

const CHECKS: Readonly<Record<string, () => Promise<Finding[]>>> = {
  '500 idle connections do not keep one from being served': () => checkIdleConnections(500),
  '100 connections get each their own answers': () => checkActiveConnections(100, 5),
  '8 instances serve 256 clients': () => checkInstances(8, 2),
  'tensors from a byte to 16 MiB come back unchanged': () => checkSizes(1 << 24),
};

for (const [name, check] of Object.entries(CHECKS)) {
  test(name, { timeout: 120_000 }, async (t) => {
    const findings = await check();
    for (const { what, found } of findings) t.diagnostic(`${what}: ${found}`);
    assert.ok(findings.length > 0);
  });
}
