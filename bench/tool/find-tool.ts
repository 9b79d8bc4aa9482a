import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that is installed. */
export interface Tool {
  readonly path: string;
  /** Variables that it needs besides those of the benchmark. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The program that the environment variable names, or the first of that name on PATH; undefined: there is none. */
export function findTool(name: string, variable: string): Tool | undefined {
  const named = process.env[variable];
  if (named !== undefined && named !== '') return { path: named, environment: {} };
  const paths = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  const path = paths.find(isExecutable);
  return path === undefined ? undefined : { path, environment: {} };
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
