import { readFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { InferenceServerError } from '@nereid/backend-sdk';

/** Where a key comes from. */
export type KeySource =
  | { readonly file: string }
  | { readonly variable: string }
  /** One that was made here. */
  | { readonly secret: string };

const HIDDEN = '***';
/** What a header may hold: found out here, and not by the first request. */
const WORD = /^[\x21-\x7e]+$/;

/**
 * The key of an engine. It shows itself as `***` however it is printed, so that it gets into no log and no error; only
 * `headers` and `reveal` have it.
 */
export class EngineKey {
  readonly #source: KeySource;
  #secret = '';

  private constructor(source: KeySource) {
    this.#source = source;
  }

  /** @throws InferenceServerError INVALID_ARG when the file or the variable has no key. */
  static async read(source: KeySource): Promise<EngineKey> {
    const key = new EngineKey(source);
    await key.refresh();
    return key;
  }

  /** The key itself, for the environment of an engine of ours. */
  reveal(): string {
    return this.#secret;
  }

  /** What a request to the engine carries. */
  get headers(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.#secret}` };
  }

  /**
   * Reads it again: a key file may be replaced while the server runs.
   *
   * @throws InferenceServerError INVALID_ARG when there is none any more; the last one is kept.
   */
  async refresh(): Promise<void> {
    const secret = (await readSecret(this.#source)).trim();
    if (secret === '') throw missing(this.#source, 'it is empty');
    if (!WORD.test(secret)) throw missing(this.#source, 'it must be one word of visible ASCII characters');
    this.#secret = secret;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}

async function readSecret(source: KeySource): Promise<string> {
  if ('secret' in source) return source.secret;
  if ('variable' in source) return process.env[source.variable] ?? '';
  try {
    return await readFile(source.file, 'utf8');
  } catch (error) {
    throw missing(source, error instanceof Error ? error.message : String(error));
  }
}

function missing(source: KeySource, why: string): InferenceServerError {
  const where =
    'file' in source
      ? `engine_key_file '${source.file}'`
      : `environment variable '${'variable' in source ? source.variable : ''}' (engine_key_env)`;
  return new InferenceServerError('INVALID_ARG', `${where} gives no key for the engine: ${why}`);
}
