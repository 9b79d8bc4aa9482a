import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from '@nereid/backend-sdk';

type ExportDone = Parameters<SpanExporter['export']>[1];

/** An exporter that tells the log, in one line, how many spans were lost and why. */
export class TellingExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #logger: Logger;

  constructor(exporter: SpanExporter, logger: Logger) {
    this.#exporter = exporter;
    this.#logger = logger;
  }

  export(spans: ReadableSpan[], done: ExportDone): void {
    this.#exporter.export(spans, (result) => {
      // The SDK would print the whole error, with its stack, each time.
      if (result.error !== undefined) {
        this.#logger.warning(
          `${spans.length} spans were lost: the collector did not take them: ${result.error.message}`,
        );
      }
      done({ code: 0 });
    });
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }
}
