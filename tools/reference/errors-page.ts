import { STATUS_CODES, type StatusCode } from '@nereid/protocol';
import { httpStatusOf } from '@nereid/protocol/http';
import { grpcStatusOf } from '@nereid/protocol/grpc';
import type { ErrorMessage } from './error-message.ts';
import { ERROR_MESSAGES } from './error-messages.ts';
import { code, GENERATED, page, table } from './markdown.ts';

/** What each code means to a client. */
const MEANINGS: Readonly<Record<StatusCode, string>> = {
  UNKNOWN: 'anything that has no code of its own; the log says more',
  INTERNAL: 'the model or the server failed, or the JSON is broken',
  NOT_FOUND: 'what the request names is not there',
  INVALID_ARG: 'the request, flag or configuration is wrong, and will be wrong again',
  UNAVAILABLE: 'not now: try again later, each time later',
  UNSUPPORTED: 'right, but not done by this server or over this protocol',
  ALREADY_EXISTS: 'the name is taken',
  CANCELLED: 'the client gave up',
};

/** gRPC's names of its numbers. */
const GRPC_NAMES: Readonly<Record<number, string>> = {
  1: 'CANCELLED',
  2: 'UNKNOWN',
  3: 'INVALID_ARGUMENT',
  5: 'NOT_FOUND',
  6: 'ALREADY_EXISTS',
  12: 'UNIMPLEMENTED',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
};

/** `docs/reference/errors.md`: every code and every kind of message. */
export function errorsPage(): string {
  const groups = Object.entries(ERROR_MESSAGES).map(([group, messages]) => messageTable(group, messages));
  return page([
    GENERATED,
    '# Errors',
    'Over HTTP an error is a status and `{"error":"<text>"}`, over gRPC a status and its text. What to do in general ' +
      'is in the [user guide](../user-guide/errors.md).',
    '## Codes',
    codeTable(),
    'HTTP answers of its own, outside of these codes: 403 for an API of `--http-restricted-api` without its header, ' +
      '404 `Not Found` for a path that does not exist, 405 `Method Not Allowed`, 408 and 431 for requests that are ' +
      'too slow or have too large headers. Health checks answer 400 when something is not ready.',
    '## Messages',
    'What stands in `<…>` differs from case to case. Messages about an inference request begin with ' +
      '`[request id: <id>] ` where Triton says so. Several kinds of one message are listed once.',
    ...groups,
    'Flags are described in [options](options.md), fields in [model configuration](model-config.md).',
  ]);
}

function codeTable(): string {
  return table(
    ['code', 'HTTP', 'gRPC', 'meaning'],
    STATUS_CODES.map((status) => {
      const grpc = grpcStatusOf(status);
      return [
        code(status),
        String(httpStatusOf(status)),
        `${grpc} ${GRPC_NAMES[grpc] ?? ''}`,
        MEANINGS[status],
      ];
    }),
  );
}

function messageTable(group: string, messages: readonly ErrorMessage[]): string {
  const rows = messages.map(({ code: status, text, when, remedy }) => [
    code(status),
    code(text),
    when,
    remedy,
  ]);
  return `### ${group}\n\n${table(['code', 'message', 'when', 'what to do'], rows)}`;
}
