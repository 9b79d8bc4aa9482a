/** The command `nereid`. */
import { run } from './command/run.ts';

// Without await at the top level, which a CommonJS bundle can't have.
void run(process.argv.slice(2)).then((status) => process.exit(status));
