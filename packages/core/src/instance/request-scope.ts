import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from '@nereid/backend-sdk';
import type { ServerLogFields } from '../telemetry/logger.ts';
import type { HostedRequest } from './hosted-request.ts';

/**
 * Knows which requests the running code works for, so that each line a backend logs carries their ids without the
 * backend passing them about. Requests without an id or a trace cost nothing: there is nothing to carry.
 */
export class RequestScope {
  readonly #storage = new AsyncLocalStorage<readonly HostedRequest[]>();

  run<T>(requests: readonly HostedRequest[], work: () => T): T {
    return requests.some(isNamed) ? this.#storage.run(requests, work) : work();
  }

  /** A logger whose lines carry the ids of the requests that are worked for. */
  logger(plain: Logger): Logger {
    const named = (fields: ServerLogFields | undefined): ServerLogFields | undefined => {
      const requests = this.#storage.getStore();
      return requests === undefined ? fields : { ...fieldsOf(requests, fields?.requestId), ...fields };
    };
    return {
      verbose: (level, message, fields) => plain.verbose(level, message, named(fields)),
      info: (message, fields) => plain.info(message, named(fields)),
      warning: (message, fields) => plain.warning(message, named(fields)),
      error: (message, fields) => plain.error(message, named(fields)),
    };
  }
}

function isNamed({ id, traceContext }: HostedRequest): boolean {
  return id !== '' || traceContext !== undefined;
}

/** @param only - Id of the one request that a line says it is about. */
function fieldsOf(requests: readonly HostedRequest[], only: string | undefined): ServerLogFields {
  const meant = only === undefined ? requests : requests.filter(({ id }) => id === only);
  const requestId = meant.flatMap(({ id }) => (id === '' ? [] : [id])).join(',');
  const traceId = meant.flatMap(({ traceContext }) => traceContext?.traceId ?? []).join(',');
  return { requestId, ...(traceId !== '' && { traceId }) };
}
