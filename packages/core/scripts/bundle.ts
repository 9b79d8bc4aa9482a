/**
 * Puts the command and the entry of its executors into one file each: a start then reads two files instead of
 * several hundred. Reads the compiled modules, so it runs after `tsc -b`.
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));

await build({
  entryPoints: { nereid: `${DIST}main.js`, 'executor-entry': `${DIST}instance/executor-entry.js` },
  outdir: DIST,
  bundle: true,
  platform: 'node',
  target: 'node22.12',
  format: 'esm',
  // CommonJS packages inside an ES module ask for Node's own modules by require.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  logLevel: 'warning',
});
