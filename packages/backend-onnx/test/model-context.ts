import { createNoModelAccess, type ModelConfig, type ModelContext } from '@nereid/backend-sdk';

/** What a test may say of a model's surroundings. */
export interface Surroundings {
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: a folder that there is not. */
  readonly modelDirectory?: string;
  /** Takes the warnings that are logged. */
  readonly warnings?: string[];
}

/** The context of version 1 of a model. */
export function createModelContext(
  config: ModelConfig,
  { settings = {}, modelDirectory = `/repository/${config.name}`, warnings = [] }: Surroundings = {},
): ModelContext {
  const ignore = (): void => undefined;
  const metric = { increment: ignore, set: ignore, observe: ignore };
  const warning = (line: string): void => void warnings.push(line);
  return {
    backendName: 'onnxruntime',
    settings,
    logger: { verbose: ignore, info: ignore, error: ignore, warning },
    metrics: { counter: () => metric, gauge: () => metric, histogram: () => metric },
    models: createNoModelAccess('none'),
    allocate: Buffer.alloc,
    signal: new AbortController().signal,
    modelName: config.name,
    modelVersion: '1',
    modelDirectory,
    versionDirectory: `${modelDirectory}/1`,
    config,
    reportProgress: ignore,
  };
}
