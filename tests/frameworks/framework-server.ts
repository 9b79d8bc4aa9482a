/** A server with models that a framework made, for the tests of its backend. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpClient, InferenceServerError } from '@nereid/client';
import { frameworkVenv } from '../python/venv.ts';
import { ROOT, startServer } from '../server/start-server.ts';
import { readCases, type Case } from './cases.ts';
import { gpuError, type GpuModel } from './gpu-error.ts';

/** Models are loaded by those who ask them: together they would fill a small machine. */
export interface FrameworkServer {
  /** What the framework itself answers. */
  readonly cases: readonly Case[];
  /** Loads a model, uses it and unloads it. @param config - In place of what its folder says. */
  withModel<T>(model: string, use: (client: HttpClient) => Promise<T>, config?: object): Promise<T>;
  /** The error of loading a model with this configuration; `loaded` when there is none. */
  loadError(model: string, config: object): Promise<string>;
  /** The error of the backend when an instance is to run on GPU 0; `loaded` when there is none. */
  gpuError(model: string, config: GpuModel['config']): Promise<string>;
  /** What the server has printed so far. */
  output(): string;
  close(): Promise<void>;
}

/**
 * Installs the framework, has `tests/frameworks/<backend>/make-models.py` make its models, and serves them.
 *
 * @param settings - Of the backend: `<name>=<value>`.
 * @throws Error with what pip, the script or the server said.
 */
export async function serveFrameworkModels(
  backend: string,
  ...settings: readonly string[]
): Promise<FrameworkServer> {
  const interpreter = frameworkVenv(backend);
  const folder = mkdtempSync(join(tmpdir(), `nereid-${backend}-`));
  execFileSync(interpreter, [join(ROOT, 'tests/frameworks', backend, 'make-models.py'), folder], {
    stdio: 'pipe',
  });
  const server = await startServer(
    join(folder, 'models'),
    `--backend-config=${backend},interpreter=${interpreter}`,
    // The interpreter has all of them, in the versions that made the models.
    `--backend-config=${backend},requirements=ignore`,
    ...settings.map((setting) => `--backend-config=${backend},${setting}`),
    '--log-verbose=1',
    '--model-control-mode=explicit',
  );
  const client = new HttpClient(server.http);
  return {
    cases: readCases(join(folder, 'cases.json')),
    withModel: async (model, use, config) => {
      await client.loadModel(model, config === undefined ? {} : { config });
      try {
        return await use(client);
      } finally {
        await client.unloadModel(model);
      }
    },
    loadError: (model, config) =>
      client.loadModel(model, { config }).then(
        () => 'loaded',
        (error: unknown) => InferenceServerError.from(error).message,
      ),
    gpuError: (model, config) =>
      gpuError({
        backend,
        interpreter,
        directory: join(folder, 'models', model),
        config: { ...config, name: model },
      }),
    output: () => server.output(),
    close: async () => {
      await client.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
