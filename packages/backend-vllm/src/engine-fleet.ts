import type { ForeignFamily, InstanceContext, ModelContext } from '@nereid/backend-sdk';
import { getPage, listEngineModels, probeEngine } from './ask-engine.ts';
import type { BalancedPool } from './balanced-pool.ts';
import type { Clock } from './clock.ts';
import { EngineConnection } from './engine-connection.ts';
import {
  EngineHealth,
  PassiveHealth,
  type EngineHealthOptions,
  type EngineWatch,
  type ProbeResult,
} from './engine-health.ts';
import { EngineMember, type LeaseEnd } from './engine-member.ts';
import { parseMetrics, waitingRequests } from './engine-metrics.ts';
import type { EngineSettings } from './engine-settings.ts';
import { chooseModelName, startEngine } from './engine-start.ts';
import { EngineSupervisor } from './engine-supervisor.ts';
import type { PoolMetrics } from './pool-metrics.ts';

export interface EngineFleetOptions {
  readonly context: ModelContext;
  readonly settings: EngineSettings;
  readonly clock: Clock;
  readonly pool: BalancedPool;
  readonly poolMetrics: PoolMetrics;
}

/** An engine with what watches it. */
interface Watched {
  readonly name: string;
  readonly member: EngineMember;
  readonly connection: EngineConnection;
  readonly watch: EngineWatch;
}

/** A load of engines elsewhere waits this long for one; without any it succeeds, and the model is not ready until one is. */
const FIRST_UP_LIMIT_MS = 2000;

/** The engines of a model version: starts, watches and stops them, and tells the pool which can serve. */
export class EngineFleet {
  readonly #options: EngineFleetOptions;
  readonly #engines = new Map<EngineMember, Watched>();
  readonly #supervisors = new Set<EngineSupervisor>();
  readonly #endMetrics: (() => void) | undefined;
  /** Why an engine was last found unable to serve. */
  #lastMiss = '';

  constructor(options: EngineFleetOptions) {
    this.#options = options;
    const { settings, context } = options;
    if (!settings.reportsMetrics || settings.preset.metrics === undefined) return;
    this.#endMetrics = context.metrics.foreign?.(() => this.#collectMetrics());
  }

  /** Connects to the engines elsewhere. Resolves when the first can serve, at the latest after two seconds. */
  async connect(): Promise<void> {
    const { settings, context, clock, pool } = this.#options;
    if (settings.urls.length === 0) return;
    await new Promise<void>((resolve) => {
      const stop = clock.after(FIRST_UP_LIMIT_MS, () => {
        const urls = settings.urls.map((url) => url.host).join(', ');
        context.logger.warning(
          `none of the engines ${urls} can serve yet${this.#lastMiss}: the model is not ready until one can`,
          this.#about,
        );
        resolve();
      });
      const onUp = (): void => {
        if (!pool.isReady) return;
        stop();
        resolve();
      };
      for (const url of settings.urls) this.#connectTo(url, onUp);
    });
  }

  async addOwn(instance: InstanceContext): Promise<() => Promise<void>> {
    const { context, settings, clock, pool, poolMetrics } = this.#options;
    const { instanceName } = instance;
    let current: Watched | undefined;
    const supervisor = new EngineSupervisor({
      clock,
      maxRestarts: settings.maxRestarts,
      start: (stopping) =>
        startEngine({ context, settings, instance, signal: AbortSignal.any([context.signal, stopping]) }),
      onUp: (connection) => {
        current = this.#watchOwn(instanceName, connection, supervisor);
      },
      onDown: (_, why, isWanted) => {
        if (current !== undefined) this.#remove(current, why);
        if (isWanted) context.logger.error(`${instanceName}: ${why}`, this.#about);
      },
      onRestart: () => poolMetrics.restarts.increment(),
      onFailure: (message) => {
        pool.explainDown(message);
        context.logger.error(`${instanceName}: ${message}`, this.#about);
      },
    });
    this.#supervisors.add(supervisor);
    await supervisor.start();
    return async () => {
      this.#supervisors.delete(supervisor);
      await supervisor.stop();
    };
  }

  /** A request has ended: what it tells of its engine. */
  onEnd(member: EngineMember, { outcome }: LeaseEnd): void {
    const engine = this.#engines.get(member);
    if (engine === undefined) return;
    if (outcome === 'done') engine.watch.succeeded();
    if (outcome === 'failed') engine.watch.failed();
    if (outcome === 'failed' || outcome === 'refused') void this.#refreshKey(engine.connection);
  }

  async close(): Promise<void> {
    this.#endMetrics?.();
    await Promise.all([...this.#supervisors].map((supervisor) => supervisor.stop()));
    for (const engine of [...this.#engines.values()]) {
      this.#remove(engine, 'the model is unloaded');
      engine.connection.close();
    }
  }

  #connectTo(url: URL, onUp: () => void): void {
    const { settings, clock, context } = this.#options;
    const { preset, key, tls } = settings;
    // An engine that lists no models is asked by our name.
    const modelName = settings.engineModel ?? (preset.health === undefined ? context.modelName : undefined);
    const connection = new EngineConnection({ url, preset, key, modelName, tls });
    const member = this.#join(url.host, connection);
    const health = preset.health;
    const events = {
      clock,
      onUp: () => {
        this.#options.pool.up(member);
        context.logger.info(`engine ${url.host} can serve`, this.#about);
        onUp();
      },
      onDown: (why: string) => {
        const reason = `engine ${url.host}: ${why}`;
        // Without health to ask for, one failed request is all that is known: others may be doing well.
        if (health === undefined) this.#options.pool.rest(member, reason);
        else this.#options.pool.down(member, reason);
        context.logger.warning(`engine ${url.host} can't serve: ${why}`, this.#about);
      },
    };
    const watch =
      health === undefined
        ? new PassiveHealth(events)
        : new EngineHealth({ ...events, ...this.#probing(connection, member, health) }, false);
    this.#engines.set(member, { name: url.host, member, connection, watch });
  }

  #watchOwn(name: string, connection: EngineConnection, supervisor: EngineSupervisor): Watched {
    const { settings, clock, pool } = this.#options;
    const member = this.#join(name, connection);
    const watch = new EngineHealth(
      {
        clock,
        ...this.#probing(connection, member, settings.preset.health ?? '/health'),
        onUp: () => pool.up(member),
        onDown: (why) => pool.down(member, `the engine ${name}: ${why}`),
        giveUp: { afterMs: settings.unhealthyRestartMs, onGivenUp: (why) => supervisor.kill(why) },
      },
      true,
    );
    const engine = { name, member, connection, watch };
    this.#engines.set(member, engine);
    pool.up(member);
    return engine;
  }

  #join(name: string, connection: EngineConnection): EngineMember {
    const { clock, pool, poolMetrics } = this.#options;
    const member = new EngineMember(connection, clock, poolMetrics.engineUp(name));
    pool.add(member);
    return member;
  }

  #remove({ member, watch }: Watched, why: string): void {
    watch.close();
    this.#engines.delete(member);
    this.#options.pool.remove(member, why);
  }

  #probing(
    connection: EngineConnection,
    member: EngineMember,
    path: string,
  ): Pick<EngineHealthOptions, 'intervalMs' | 'probe' | 'dataAgeMs' | 'hasRequests' | 'onRest'> {
    const { pool, context } = this.#options;
    return {
      intervalMs: this.#options.settings.healthIntervalMs,
      probe: () => this.#probe(connection, path),
      dataAgeMs: () => performance.now() - member.lastDataAt,
      hasRequests: () => member.running > 0,
      onRest: (why) => {
        const message = `engine ${connection.address}: ${why}`;
        pool.rest(member, message);
        context.logger.warning(message, this.#about);
      },
    };
  }

  /** An engine whose name for the model is not known yet can't be asked for anything. */
  async #probe(connection: EngineConnection, path: string): Promise<ProbeResult> {
    await this.#refreshKey(connection);
    const { result, why } = await probeEngine(connection, path);
    if (result !== 'ok') this.#explain(connection, why);
    if (result !== 'ok' || connection.modelName !== '') return result;
    try {
      const names = await listEngineModels(connection);
      connection.modelName = chooseModelName(names, this.#options.context.modelName);
      return 'ok';
    } catch (error) {
      this.#explain(connection, error instanceof Error ? error.message : String(error));
      return 'bad';
    }
  }

  /** Told to those that wait for an engine, when there is none; and in the log, where that is verbose. */
  #explain({ address }: EngineConnection, why: string): void {
    const message = why.includes(address) ? why : `engine ${address}: ${why}`;
    this.#lastMiss = ` (${message})`;
    this.#options.pool.explainDown(message);
    this.#options.context.logger.verbose(1, message, this.#about);
  }

  /** The file may be replaced at any time. */
  async #refreshKey({ key, address }: EngineConnection): Promise<void> {
    await key?.refresh().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.context.logger.warning(
        `engine ${address} is asked with the last key: ${why}`,
        this.#about,
      );
    });
  }

  async #collectMetrics(): Promise<readonly ForeignFamily[]> {
    const pages = await Promise.all([...this.#engines.values()].map((engine) => this.#metricsOf(engine)));
    return pages.flat();
  }

  async #metricsOf({ name, member, connection }: Watched): Promise<readonly ForeignFamily[]> {
    const { context, settings } = this.#options;
    if (!member.isUp) return [];
    try {
      const { status, text } = await getPage(connection, settings.preset.metrics ?? '/metrics');
      if (status !== 200) return [];
      const labels = { model: context.modelName, version: context.modelVersion };
      const isOne = this.#engines.size === 1;
      const families = parseMetrics(text, isOne ? labels : { ...labels, engine_name: name });
      const waiting = waitingRequests(families);
      if (waiting !== undefined) member.reportWaiting(waiting);
      return families;
    } catch (error) {
      context.logger.verbose(1, `metrics of engine ${name}: ${String(error)}`, this.#about);
      return [];
    }
  }

  get #about(): { model: string; version: string } {
    const { modelName, modelVersion } = this.#options.context;
    return { model: modelName, version: modelVersion };
  }
}
