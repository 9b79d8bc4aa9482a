import type { Pool } from 'undici';
import type { EngineKey } from './engine-key.ts';
import type { Engine } from './engine.ts';
import type { Preset } from './presets.ts';

/** uvicorn closes idle connections after 5 s: ours go before, or a request might be sent into a closing one. */
const IDLE_MS = 4000;

/** An engine at a URL, and the connections to it. */
export class EngineConnection implements Engine {
  readonly url: URL;
  readonly preset: Preset;
  readonly dispatcher: Pool;
  readonly key: EngineKey | undefined;
  /** Until the engine was asked: ''. */
  modelName: string;

  private constructor(target: EngineTarget, dispatcher: Pool) {
    this.url = target.url;
    this.preset = target.preset;
    this.key = target.key;
    this.modelName = target.modelName ?? '';
    this.dispatcher = dispatcher;
  }

  static async open(target: EngineTarget): Promise<EngineConnection> {
    // Not at the top: a server without such models need not load it.
    const { Pool } = await import('undici');
    const pool = new Pool(target.url.origin, {
      connections: null,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      // A connection that was used is not the pool's for ever: two thousand streams leave two thousand of them.
      clientTtl: 60_000,
      // How long an answer may take is for the client to say; that the engine lives is seen by its health.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return new EngineConnection(target, pool);
  }

  get headers(): Readonly<Record<string, string>> {
    return this.key?.headers ?? {};
  }

  /** Host and port: what it is called in logs, metrics and errors. */
  get address(): string {
    return this.url.host;
  }

  /** Cuts what is left of requests. */
  async close(): Promise<void> {
    await this.dispatcher.destroy();
  }
}

/** Where an engine is, and as what it is asked. */
export interface EngineTarget {
  readonly url: URL;
  readonly preset: Preset;
  readonly key: EngineKey | undefined;
  /** undefined: to be learnt from the engine. */
  readonly modelName: string | undefined;
}
