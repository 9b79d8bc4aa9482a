import type { Logger } from '@nereid/backend-sdk';
import type { MetricsRegistry } from '../telemetry/metrics.ts';
import type { Model } from './model.ts';
import type { ModelRegistry } from './model-registry.ts';
import type { PreparedModel } from './model-source.ts';

/** What the end of versions needs. */
export interface ModelRetirementParts {
  readonly registry: ModelRegistry;
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
  /** Aborts when the sequences that go on after an unload must have ended; asked for at each unload. */
  readonly sequenceDeadline: () => AbortSignal;
}

/** Versions that were replaced or unloaded: they end in the background, and what they were loaded from after them. */
export class ModelRetirement {
  readonly #parts: ModelRetirementParts;
  readonly #ending = new Set<Promise<void>>();

  constructor(parts: ModelRetirementParts) {
    this.#parts = parts;
  }

  /**
   * Lets a version end its requests.
   *
   * @param reason - Why it is gone; undefined when another one took its place.
   */
  retire(model: Model, reason: string | undefined): Promise<void> {
    const { registry, metrics, logger } = this.#parts;
    metrics.remove(model.statistics);
    if (reason !== undefined) registry.setStatus(model.id, [model.versionNumber], 'UNLOADING', '');
    registry.startRetiring(model);
    // After a reload there is a successor, and no harm in a sequence that takes its time.
    const stopWatching = reason === undefined ? undefined : this.#limitSequences(model);
    const retiring = model
      .unload()
      .catch((cause: unknown) =>
        logger.error(`failed to unload '${model.id}' version ${model.version}`, { cause }),
      )
      .then(() => {
        stopWatching?.();
        registry.endRetiring(model);
        if (reason !== undefined) registry.setStatus(model.id, [model.versionNumber], 'UNAVAILABLE', reason);
      });
    return this.#track(retiring);
  }

  /** Deletes what a load brought along once its last version has ended; its agents hear of both. */
  release(prepared: PreparedModel, versions: readonly Promise<void>[]): void {
    const releasing = releaseAfter(prepared, versions).catch((cause: unknown) =>
      this.#parts.logger.error(`failed to clean up after model '${prepared.id}'`, { cause }),
    );
    void this.#track(releasing);
  }

  /** Resolves when all that began to end so far has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#ending);
  }

  /** Ends the sequences of an unloaded version when their time is over; returns what calls that off. */
  #limitSequences({ id, version, scheduler: { sequences } }: Model): (() => void) | undefined {
    if (sequences === undefined) return undefined;
    const deadline = this.#parts.sequenceDeadline();
    const cut = (): void => {
      const count = sequences.cutShort();
      this.#parts.logger.warning(
        `${count} sequences of '${id}' version ${version}, which is unloaded, were cut short`,
      );
    };
    deadline.addEventListener('abort', cut, { once: true });
    return () => deadline.removeEventListener('abort', cut);
  }

  #track(ending: Promise<void>): Promise<void> {
    const tracked = ending.then(() => void this.#ending.delete(tracked));
    this.#ending.add(tracked);
    return tracked;
  }
}

/** Tells the agents of a load that it ends, and deletes what it brought along when the versions have ended. */
export async function releaseAfter(
  prepared: PreparedModel,
  versions: readonly Promise<void>[],
): Promise<void> {
  await prepared.agents?.unload();
  await Promise.all(versions);
  await prepared.agents?.unloadComplete();
  await prepared.discard();
}
