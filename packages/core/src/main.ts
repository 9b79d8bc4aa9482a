/** The command `nereid`. */
import { bootAheadOf } from './command/boot-ahead.ts';

const args = process.argv.slice(2);
bootAheadOf(args);
// Only then the rest is evaluated: on two cores the thread boots meanwhile. Without await at the top level, which a CommonJS bundle
// can't have.
void import('./command/run.ts').then(({ run }) => run(args)).then((status) => process.exit(status));
