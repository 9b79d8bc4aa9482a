import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceServerError } from '@nereid/backend-sdk';

/** Where in a file, as it stands in stacks: `file:///…/model.ts?nereid-load=1:3:15` or `/…/model.ts:3`. */
const PLACE = /((?:file:\/\/|\/|[A-Z]:\\)[^\s()?]+\.m?[jt]s)(?:\?[^\s():]*)?:(\d+)(?::(\d+))?/g;

/**
 * What a model's code threw, as an error for the client: one of the eight codes as it is, anything else as INTERNAL
 * with the place in the model's files where it was thrown.
 *
 * @param directory - Folder of the model: places outside it are not the author's.
 */
export function toScriptError(thrown: unknown, directory: string): InferenceServerError {
  if (InferenceServerError.is(thrown)) return thrown;
  const place = thrown instanceof Error ? placeOf(thrown, directory) : undefined;
  const message = thrown instanceof Error ? describe(thrown) : String(thrown);
  return new InferenceServerError('INTERNAL', place === undefined ? message : `${message} (${place})`, {
    cause: thrown,
  });
}

/** `1/model.ts:3:15`, from the model's folder on. */
export function placeOf({ stack = '' }: Error, directory: string): string | undefined {
  for (const [, file = '', line = '', column] of stack.matchAll(PLACE)) {
    const path = relative(directory, file.startsWith('file:') ? fileURLToPath(file) : file);
    if (path.startsWith('..') || path.includes('node_modules')) continue;
    return column === undefined ? `${path}:${line}` : `${path}:${line}:${column}`;
  }
  return undefined;
}

function describe({ name, message }: Error): string {
  return name === 'Error' ? message : `${name}: ${message}`;
}
