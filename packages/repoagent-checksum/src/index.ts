import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { defineRepositoryAgent, InferenceServerError } from '@nereid/backend-sdk';

/** Hash functions by the name that parameters begin with. */
const ALGORITHMS: Readonly<Record<string, string>> = { MD5: 'md5', SHA256: 'sha256' };

/** A file, and the checksum it must have. */
interface Expectation {
  readonly algorithm: string;
  /** Path from the model's folder on. */
  readonly file: string;
  /** In lower-case hexadecimal digits. */
  readonly digest: string;
}

/**
 * Repository agent that refuses a model one of whose files is not as its configuration says: parameters
 * `MD5:<file>` or `SHA256:<file>`, the path from the model's folder on, with the checksum in hexadecimal digits.
 */
export default defineRepositoryAgent({
  name: 'checksum',
  async load({ directory, parameters }) {
    const expectations = Object.entries(parameters).map(parseParameter);
    for (const expectation of expectations) await assertChecksum(directory, expectation);
  },
});

function parseParameter([key, value]: [string, string]): Expectation {
  const colon = key.indexOf(':');
  const algorithm = ALGORITHMS[key.slice(0, colon)];
  const file = key.slice(colon + 1);
  if (colon > 0 && algorithm !== undefined && file !== '')
    return { algorithm, file, digest: value.trim().toLowerCase() };
  const known = Object.keys(ALGORITHMS).map((name) => `'${name}:<file>'`);
  throw new InferenceServerError(
    'INVALID_ARG',
    `parameter '${key}' is unknown: expected ${known.join(' or ')}`,
  );
}

async function assertChecksum(directory: string, { algorithm, file, digest }: Expectation): Promise<void> {
  const found = await checksumOf(resolveFile(directory, file), { algorithm, file });
  if (found === digest) return;
  throw new InferenceServerError(
    'INVALID_ARG',
    `file '${file}' has the ${algorithm} checksum ${found}, expected ${digest}: the file is not the one that was meant`,
  );
}

async function checksumOf(
  path: string,
  { algorithm, file }: Pick<Expectation, 'algorithm' | 'file'>,
): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path), hash).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  return hash.digest('hex');
}

/** @throws InferenceServerError INVALID_ARG for a path that leaves the folder. */
function resolveFile(directory: string, file: string): string {
  const path = join(directory, file);
  const inside = relative(directory, path);
  if (!isAbsolute(file) && inside !== '..' && !inside.startsWith(`..${sep}`)) return path;
  throw new InferenceServerError('INVALID_ARG', `file '${file}' lies outside the model's folder`);
}

function unreadable(file: string, cause: unknown): InferenceServerError {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  return new InferenceServerError('INVALID_ARG', `file '${file}' can't be read: ${reason}`, { cause });
}
