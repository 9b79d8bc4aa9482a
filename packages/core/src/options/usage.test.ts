import assert from 'node:assert/strict';
import test from 'node:test';
import { flagOf, keyOf, OPTION_GROUPS, OPTIONS } from './option-table.ts';
import { usage } from './usage.ts';

test('the usage text has every option once, in its group', () => {
  const text = usage();
  for (const key of Object.keys(OPTIONS)) {
    assert.equal(text.split(`  --${flagOf(key)}=`).length, 2, key);
  }
  assert.ok(text.indexOf('HTTP:') < text.indexOf('--http-port=<integer>'));
  assert.ok(text.split('\n').every((line) => line.length <= 100));
});

test('every option is in one group', () => {
  const grouped = Object.values(OPTION_GROUPS).flatMap((group) => Object.keys(group));
  assert.deepEqual(grouped.sort(), Object.keys(OPTIONS).sort());
});

test('flags and properties name each other', () => {
  for (const key of Object.keys(OPTIONS)) assert.equal(keyOf(flagOf(key)), key);
  assert.equal(flagOf('grpcHttp2MaxPingsWithoutData'), 'grpc-http2-max-pings-without-data');
});
