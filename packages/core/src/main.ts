/** The command `nereid`. */
import { enableCompileCache } from 'node:module';

enableCompileCache();

const { run } = await import('./command/run.ts');
process.exitCode = await run(process.argv.slice(2));
if (process.exitCode !== undefined) process.exit();
