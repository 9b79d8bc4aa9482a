import { InferenceServerError } from '@nereid/backend-sdk';
import { describeMissingPython } from '../missing-python.ts';
import { runCommand } from './run-command.ts';

/** What an environment built for a Python depends on. */
export interface PythonFacts {
  /** Path of the interpreter itself, behind wrappers and links of version managers. */
  readonly executable: string;
  /** As `3.11.7`. */
  readonly version: string;
  readonly implementation: string;
  /** As `linux-x86_64`. */
  readonly platform: string;
}

const SCRIPT = `import json, platform, sys, sysconfig
print(json.dumps({
    "executable": sys.executable,
    "version": platform.python_version(),
    "implementation": sys.implementation.name,
    "platform": sysconfig.get_platform(),
}))`;

/**
 * Asks a Python who it is.
 *
 * @throws InferenceServerError INVALID_ARG when it can't be run.
 */
export async function readPythonFacts(interpreter: string, signal: AbortSignal): Promise<PythonFacts> {
  const result = await runCommand({ command: interpreter, args: ['-I', '-S', '-c', SCRIPT], signal });
  if (result.kind === 'missing') {
    throw new InferenceServerError('INVALID_ARG', describeMissingPython(interpreter));
  }
  const facts = parse(result.lines.at(-1));
  if (result.status === 0 && facts !== undefined) return facts;
  throw new InferenceServerError(
    'INVALID_ARG',
    `'${interpreter}' is no Python that can be used: ${result.lines.slice(-3).join(' ') || 'it printed nothing'}`,
  );
}

function parse(line: string | undefined): PythonFacts | undefined {
  try {
    const facts: unknown = JSON.parse(line ?? '');
    const isFacts = typeof facts === 'object' && facts !== null && 'executable' in facts;
    return isFacts ? (facts as PythonFacts) : undefined;
  } catch {
    return undefined;
  }
}
