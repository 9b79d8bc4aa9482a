import { bootAhead } from '../instance/executor-worker.ts';
import { hasEntries } from '../repository/has-entries.ts';

const REPOSITORY = /^--model-(?:repository|store)(?:=(.*))?$/;

/**
 * Has the first thread for models boot when a command line asks for a server that will have some. It is looked at before there is
 * anything of the program to read it with: a repository that is not seen here only costs the lead.
 */
export function bootAheadOf(args: readonly string[]): void {
  if (repositoriesIn(args).some(hasEntries)) bootAhead();
}

/** The repositories that a command line names for a server. */
export function repositoriesIn(args: readonly string[]): readonly string[] {
  if (args[0] !== 'serve') return [];
  return args.flatMap((arg, at) => {
    if (at === 1 && !arg.startsWith('-')) return [arg];
    const found = REPOSITORY.exec(arg);
    return found === null ? [] : [found[1] ?? args[at + 1] ?? ''];
  });
}
