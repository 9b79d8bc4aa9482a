import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { reasonOf } from './file-errors.ts';

/**
 * Reads the label files of a model's outputs: one label a line, in the order of the classes.
 *
 * @returns Labels by output; outputs without a label file are not in it.
 * @throws InferenceServerError INTERNAL naming the file when it can't be read.
 */
export async function readLabels(
  config: ModelConfig,
  modelDirectory: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const labelled = config.output.filter((output) => output.label_filename !== '');
  const entries = await Promise.all(
    labelled.map(async ({ name, label_filename: file }): Promise<[string, readonly string[]]> => {
      const text = await readLabelFile(modelDirectory, file, config.name);
      return [name, toLines(text)];
    }),
  );
  return new Map(entries);
}

async function readLabelFile(modelDirectory: string, file: string, modelName: string): Promise<string> {
  try {
    return await readFile(join(modelDirectory, file), 'utf8');
  } catch (cause) {
    throw new InferenceServerError(
      'INTERNAL',
      `failed to open text file for read ${modelName}/${file}: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

/** An empty line is a class without a label, but the end of the file is no line. */
function toLines(text: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
