/**
 * Puts the command, the entries of its threads, and each backend into one file: a start then reads four files
 * instead of several hundred. Reads the compiled modules, so it runs after `tsc -b`.
 */
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { lateModules } from './late-modules.ts';
import { leanModules } from './lean-modules.ts';

const PACKAGES = join(import.meta.dirname, '..', 'packages');
const CORE = join(PACKAGES, 'core', 'dist');

const COMMON: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node22.12',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  logLevel: 'warning',
  plugins: [lateModules, leanModules],
};

/**
 * CommonJS, since an ES module that imports one of Node's modules makes it evaluate all that it lazily exports: with
 * node:crypto, node:http and node:child_process that is 60 ms of a start.
 */
const COMMON_JS: BuildOptions = {
  format: 'cjs',
  define: { 'import.meta.url': '__fileUrl' },
  banner: { js: "const __fileUrl = require('node:url').pathToFileURL(__filename).href;" },
};

await build({
  ...COMMON,
  ...COMMON_JS,
  entryPoints: {
    nereid: join(CORE, 'main.js'),
    'executor-entry': join(CORE, 'instance/executor-entry.js'),
    'front-entry': join(CORE, 'front/front-entry.js'),
    'json-entry': join(CORE, 'protocol/http/json-entry.js'),
  },
  outdir: CORE,
  outExtension: { '.js': '.cjs' },
  // Only a server that exports to OpenTelemetry or caches in Redis loads these, from where they are installed.
  external: ['@opentelemetry/*', '@redis/client', '@grpc/grpc-js'],
});

/** What `import` gives is the default export. */
const ONLY_DEFAULT: BuildOptions = {
  ...COMMON_JS,
  footer: { js: 'module.exports = module.exports.default;' },
};

for (const backend of ['backend-identity', 'backend-onnx', 'backend-python', 'backend-vllm']) {
  await buildExtension(backend, 'backend.cjs', ONLY_DEFAULT);
}
await buildExtension('openai', 'plugin.cjs', ONLY_DEFAULT);
// Models import it, too, by the names of what it exports.
await buildExtension('backend-script', 'backend.js', { format: 'esm' });

async function buildExtension(name: string, file: string, options: BuildOptions): Promise<void> {
  const dist = join(PACKAGES, name, 'dist');
  await build({
    ...COMMON,
    ...options,
    entryPoints: [join(dist, 'index.js')],
    outfile: join(dist, file),
    // Loaded from where they are installed: the lock when an environment is built.
    external: ['onnxruntime-node', 'proper-lockfile'],
  });
}
