import { join } from 'node:path';

/** Program and arguments for Node that check the imports of some folders against the rules beside this file. */
export function cruiseCommand(folders: readonly string[]): readonly string[] {
  const program = join(import.meta.dirname, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  return [program, '--config', join(import.meta.dirname, '.dependency-cruiser.cjs'), ...folders];
}
