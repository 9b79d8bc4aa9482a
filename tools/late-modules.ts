/**
 * In the bundle, modules that cost a start much are evaluated when the first thing of them is used, not when they are imported:
 * of Node's own those that it does not need itself, and the generated modules of descriptors.
 */
import { dirname } from 'node:path';
import type { OnResolveArgs, Plugin, PluginBuild } from 'esbuild';
import { GENERATED } from './ready-descriptors.ts';

/**
 * All their importers take things by name. Together they are 15 to 40 ms of a start; `node:fs/promises` brings the terminal's
 * line editor, `node:child_process` UDP.
 */
const BUILTINS =
  /^node:(?:child_process|crypto|dns|fs\/promises|http|https|perf_hooks|timers\/promises|tls|zlib)$/;

export const lateModules: Plugin = {
  name: 'late-modules',
  setup(build) {
    build.onResolve({ filter: BUILTINS }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'late' } : { path, external: true },
    );
    build.onResolve({ filter: /_pb\.js$/ }, (args) => resolveGenerated(build, args));
    build.onLoad({ filter: /./, namespace: 'late' }, async ({ path }) => ({
      contents: lateModule(path, Object.keys((await import(path)) as object)),
      resolveDir: dirname(path),
    }));
  },
};

async function resolveGenerated(
  build: PluginBuild,
  { path, kind, importer, resolveDir, pluginData }: OnResolveArgs,
) {
  if (kind !== 'import-statement' || pluginData === 'found') return undefined;
  const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: 'found' });
  return GENERATED.test(found.path) ? { path: found.path, namespace: 'late' } : undefined;
}

/** A module with the same names; what `import` makes of it asks for each when it is used. */
function lateModule(path: string, names: readonly string[]): string {
  const source = JSON.stringify(path);
  return `
    let loaded;
    for (const name of ${JSON.stringify(names)})
      Object.defineProperty(exports, name, { enumerable: true, get: () => (loaded ??= require(${source}))[name] });`;
}
