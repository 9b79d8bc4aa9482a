import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { InferenceServerError } from '@nereid/backend-sdk';

/** A file that holds a JSON object. */
export interface JsonFile {
  readonly value: Readonly<Record<string, unknown>>;
  /** What is wrong with it, naming model and file. */
  fault(what: string, found?: unknown): InferenceServerError;
}

/**
 * @returns undefined when there is no such file.
 * @throws InferenceServerError INVALID_ARG when it can't be read, or holds something else.
 */
export async function readJsonObject(modelName: string, path: string): Promise<JsonFile | undefined> {
  const fault = (what: string, found?: unknown): InferenceServerError => {
    const shown = found === undefined ? '' : `, found ${JSON.stringify(found)}`;
    return new InferenceServerError(
      'INVALID_ARG',
      `model '${modelName}': ${basename(path)}: ${what}${shown}`,
    );
  };
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw fault(error instanceof Error ? error.message : String(error));
  }
  const value = parse(text, fault);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fault('must be a JSON object', value);
  }
  return { value: value as Readonly<Record<string, unknown>>, fault };
}

function parse(text: string, fault: (what: string) => InferenceServerError): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw fault(`is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
