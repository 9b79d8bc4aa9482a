import assert from 'node:assert/strict';
import test from 'node:test';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { TellingExporter } from './telling-exporter.ts';

function exportWith(error: Error | undefined): readonly string[] {
  const lines: string[] = [];
  const inner: SpanExporter = {
    export: (_spans, done) => done(error === undefined ? { code: 0 } : { code: 1, error }),
    shutdown: () => Promise.resolve(),
  };
  const ignore = (): void => undefined;
  const logger = {
    verbose: ignore,
    info: ignore,
    error: ignore,
    warning: (message: string) => void lines.push(message),
  };
  new TellingExporter(inner, logger).export([], ({ code }) => void lines.push(`done ${code}`));
  return lines;
}

test('spans that the collector does not take are counted in the log, with the reason', () => {
  assert.deepEqual(exportWith(new Error('connect ECONNREFUSED')), [
    '0 spans were lost: the collector did not take them: connect ECONNREFUSED',
    'done 0',
  ]);
});

test('spans that are taken are not spoken of', () => {
  assert.deepEqual(exportWith(undefined), ['done 0']);
});
