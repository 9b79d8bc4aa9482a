/**
 * Keeps from a start what libraries evaluate without need. The bundle loads parts of itself late, so esbuild wraps
 * every module in a function and can't leave out what nobody imports; this says it by hand.
 */
import { dirname } from 'node:path';
import type { OnResolveArgs, Plugin, PluginBuild } from 'esbuild';
import { GENERATED, READY_FILE_DESC, readyDescriptors } from './ready-descriptors.ts';

const PROTOBUF = '@bufbuild/protobuf';

/** Sources that stand for a whole library, by the name it is imported by; their paths are relative to its entry. */
const LEAN: Readonly<Record<string, string>> = {
  // Its index evaluates the descriptors of all well-known types, which only JSON and reflection need.
  [PROTOBUF]: `
    export { create } from './create.js';
    export { ScalarType } from './descriptors.js';
    export { fromBinary } from './from-binary.js';
    export { createRegistry } from './registry.js';
    export { toBinary } from './to-binary.js';
    export const fromJson = (...values) => require('./from-json.js').fromJson(...values);`,
  [`${PROTOBUF}/codegenv2`]: `
    export { enumDesc } from './enum.js';
    export { messageDesc } from './message.js';
    export { serviceDesc } from './service.js';
    ${READY_FILE_DESC}`,
  [`${PROTOBUF}/wkt`]: `
    export { FileDescriptorProtoSchema } from './google/protobuf/descriptor_pb.js';`,
  // Fastify asks it whether a plugin is for its version, we whether a backend is for ours.
  semver: `
    exports.satisfies = require('./functions/satisfies.js');`,
  // Fastify's router looks with it at the regular expressions of routes: we have none.
  'safe-regex2': `
    module.exports = (...values) => require('./index.js')(...values);`,
};

/** Only these import what stands above: the libraries themselves import each other by path. */
const NAMES = new RegExp(`^(?:${Object.keys(LEAN).join('|')})$`);

export const leanModules: Plugin = {
  name: 'lean-modules',
  setup(build) {
    build.onResolve({ filter: NAMES }, (args) => resolveLean(build, args));
    build.onLoad({ filter: GENERATED }, async ({ path }) => ({ contents: await readyDescriptors(path) }));
    build.onLoad({ filter: /./, namespace: 'lean' }, ({ path, pluginData }) => ({
      contents: LEAN[path] ?? '',
      resolveDir: pluginData as string,
    }));
  },
};

/** Finds the library as esbuild would, for the folder that the paths of its source are relative to. */
async function resolveLean(build: PluginBuild, args: OnResolveArgs) {
  if (args.pluginData === 'library') return undefined;
  const { path, importer, kind, resolveDir } = args;
  const { path: entry, errors } = await build.resolve(path, {
    importer,
    kind,
    resolveDir,
    pluginData: 'library',
  });
  return { path, namespace: 'lean', errors, pluginData: dirname(entry) };
}
