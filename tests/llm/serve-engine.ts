import { makeRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';
import type { EngineScript } from './engine-script.ts';
import { llmModel } from './llm-models.ts';
import { startScriptedEngine, type ScriptedEngine } from './scripted-engine.ts';

/** A scripted engine, and a server with a model on it. Disposing of it ends both. */
export interface ServedEngine extends AsyncDisposable {
  readonly engine: ScriptedEngine;
  readonly server: RunningServer;
}

export interface ServedEngineOptions {
  readonly script?: EngineScript;
  /** Name of the model. Default: `llm`. */
  readonly model?: string;
  /** Of the server. */
  readonly flags?: readonly string[];
}

/** Starts an engine elsewhere, and a server whose model uses it. */
export async function serveEngine({
  script = {},
  model = 'llm',
  flags = [],
}: ServedEngineOptions = {}): Promise<ServedEngine> {
  const engine = await startScriptedEngine(script);
  const repository = makeRepository();
  repository.write(model, llmModel({ engine_url: engine.url }));
  const server = await startServer(repository.path, ...flags);
  return {
    engine,
    server,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
    },
  };
}
