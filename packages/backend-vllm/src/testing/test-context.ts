import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createModelConfig, createNoModelAccess, type ModelContext } from '@nereid/backend-sdk';
import { createRecordingLogger, createRecordingMetrics, type TestLogLine } from '@nereid/backend-sdk/testing';

/** A model's context whose folder disposing of it deletes. */
export interface TestModelContext extends ModelContext, Disposable {
  readonly logs: readonly TestLogLine[];
  readonly progress: readonly string[];
  /** Metrics by name and labels. */
  readonly values: ReadonlyMap<string, number>;
}

export interface TestModelInit {
  /** `parameters` of the configuration. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Settings of the backend. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly kind?: 'KIND_MODEL' | 'KIND_GPU';
  /** Files of the version's folder; what is no text is written as JSON. */
  readonly files?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

/** Version 1 of a model `llama`. */
export function createTestModel(init: TestModelInit = {}): TestModelContext {
  const { parameters = {}, settings = {}, kind = 'KIND_MODEL', files = {} } = init;
  const directory = mkdtempSync(join(tmpdir(), 'nereid-engine-'));
  const versionDirectory = join(directory, '1');
  for (const [name, content] of Object.entries(files)) {
    const path = join(versionDirectory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  }
  const logs: TestLogLine[] = [];
  const progress: string[] = [];
  const values = new Map<string, number>();
  const entries = Object.entries(parameters).map(([name, value]) => [name, { string_value: value }]);
  return {
    backendName: 'vllm',
    modelName: 'llama',
    modelVersion: '1',
    modelDirectory: directory,
    versionDirectory,
    config: createModelConfig({
      name: 'llama',
      parameters: Object.fromEntries(entries) as Record<string, { string_value: string }>,
      instance_group: [{ kind }],
    }),
    settings,
    logger: createRecordingLogger(logs),
    metrics: createRecordingMetrics(values),
    models: createNoModelAccess('a test has no other models'),
    allocate: (byteSize) => new Uint8Array(byteSize),
    signal: init.signal ?? new AbortController().signal,
    reportProgress: (text) => void progress.push(text),
    logs,
    progress,
    values,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
