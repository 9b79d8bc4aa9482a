import type { SecureContext } from 'node:tls';
import type { EngineKey } from './engine-key.ts';
import type { Engine } from './engine.ts';
import { ConnectionPool } from './http/connection-pool.ts';
import type { Preset } from './presets.ts';

/** An engine at a URL, and the connections to it. */
export class EngineConnection implements Engine {
  readonly url: URL;
  readonly preset: Preset;
  readonly connections: ConnectionPool;
  readonly key: EngineKey | undefined;
  /** Until the engine was asked: ''. */
  modelName: string;

  constructor({ url, preset, key, modelName = '', tls }: EngineTarget) {
    this.url = url;
    this.preset = preset;
    this.key = key;
    this.modelName = modelName;
    this.connections = new ConnectionPool(url, { tls });
  }

  get headers(): Readonly<Record<string, string>> {
    return this.key?.headers ?? {};
  }

  /** Host and port: what it is called in logs, metrics and errors. */
  get address(): string {
    return this.url.host;
  }

  /** Cuts what is left of requests. */
  close(): void {
    this.connections.close();
  }
}

/** Where an engine is, and as what it is asked. */
export interface EngineTarget {
  readonly url: URL;
  readonly preset: Preset;
  readonly key: EngineKey | undefined;
  /** undefined: to be learnt from the engine. */
  readonly modelName: string | undefined;
  /** For https. Default: Node's authorities, and no certificate of our own. */
  readonly tls?: SecureContext | undefined;
}
