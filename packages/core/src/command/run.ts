import { listBackends } from './backends.ts';
import { parseCommandLine, usage } from '../options.ts';
import { SERVER_VERSION } from '../version.ts';
import { summarizeTraces } from './trace-summary/trace-summary.ts';
import { describeFailure, serve } from './serve.ts';

const HELP = `Usage:
  nereid serve <model repository>… [flags]       serve the models of a folder
  nereid backends [--backend-directory=<path>]   list the installed backends and their settings
  nereid trace-summary <trace file>…             what trace files say, as a table or a picture
  nereid serve --help                            all flags
  nereid --version
`;

/**
 * Runs a command line.
 *
 * @returns The exit status.
 */
export async function run(args: readonly string[]): Promise<number> {
  const [command, ...flags] = args;
  try {
    switch (command) {
      case 'serve':
        return await runServe(flags);
      case 'backends':
        process.stdout.write(await listBackends(flags));
        return 0;
      case 'trace-summary':
        process.stdout.write(summarizeTraces(flags));
        return 0;
      case '--version':
      case 'version':
        process.stdout.write(`nereid ${SERVER_VERSION}\n`);
        return 0;
      case undefined:
      case '--help':
      case 'help':
        process.stdout.write(HELP);
        return command === undefined ? 1 : 0;
      default:
        process.stderr.write(`error: unknown command '${command}'\n\n${HELP}`);
        return 1;
    }
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    return 1;
  }
}

async function runServe(flags: readonly string[]): Promise<number> {
  const commandLine = parseCommandLine(flags);
  if (commandLine.help) {
    process.stdout.write(usage());
    return 0;
  }
  return serve(commandLine, process.stdout);
}
