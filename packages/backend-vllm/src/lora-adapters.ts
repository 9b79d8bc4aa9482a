import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { EngineArguments } from './engine-arguments.ts';
import { readJsonObject } from './json-file.ts';

/** Beside model.json, as for Triton's vLLM backend: name of an adapter → where it lies. */
const FILE = 'multi_lora.json';

/**
 * The LoRA adapters of a model version; empty without the file.
 *
 * @returns Name → path. A path that exists below the version's folder is made absolute; others are the engine's to find.
 * @throws InferenceServerError INVALID_ARG when the file is no JSON object of texts.
 */
export async function readAdapters(
  modelName: string,
  versionDirectory: string,
): Promise<ReadonlyMap<string, string>> {
  const file = await readJsonObject(modelName, join(versionDirectory, FILE));
  if (file === undefined) return new Map();
  const entries = Object.entries(file.value).map(([name, path]): [string, string] => {
    if (typeof path !== 'string') throw file.fault(`adapter '${name}' must be a path`, path);
    return [name, besideModel(versionDirectory, path)];
  });
  return new Map(entries);
}

/** Whether model.json asks for adapters; Triton's examples have the flag in quotes. */
export function wantsAdapters({ enable_lora: value }: EngineArguments): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true');
}

/** How vLLM is told of adapters. */
export function adapterArgv(adapters: ReadonlyMap<string, string>): readonly string[] {
  if (adapters.size === 0) return [];
  return ['--lora-modules', ...[...adapters].map(([name, path]) => `${name}=${path}`)];
}

/** A path that may be relative to the version's folder. */
export function besideModel(versionDirectory: string, path: string): string {
  const beside = resolve(versionDirectory, path);
  return existsSync(beside) ? beside : path;
}
