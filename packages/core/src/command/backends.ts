import { describeParameter, type ParameterSpec } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import type { BackendStatus } from '../backend/backend-registry.ts';
import { openInstalledBackends } from '../backend/installed-backends.ts';
import { describeBackends } from './serve.ts';
import { formatTable, wrap } from './table.ts';

const FLAG = '--backend-directory';

/**
 * The backends that a server would find, and the settings that they declare, as tables.
 *
 * @throws InferenceServerError INVALID_ARG for a flag that this command does not have.
 */
export async function listBackends(flags: readonly string[]): Promise<string> {
  const directories = flags.map((flag) => {
    const [name, value] = flag.split('=', 2);
    if (name === FLAG && value !== undefined) return value;
    throw new InferenceServerError(
      'INVALID_ARG',
      `unknown option ${flag}: nereid backends takes ${FLAG}=<path>`,
    );
  });
  const { registry } = await openInstalledBackends(directories, {});
  const backends = registry.status();
  const rows = backends.flatMap(describeSettings);
  const tables = [describeBackends({ backends })];
  if (rows.length > 0)
    tables.push(formatTable(['--backend-config=', 'Value', 'Default', 'What it is'], rows));
  return tables.map((table) => `${table}\n`).join('\n');
}

function describeSettings({ manifest, settings }: BackendStatus): string[][] {
  return Object.entries(settings).map(([name, spec]) => describeSetting(`${manifest.name},${name}=`, spec));
}

function describeSetting(name: string, spec: ParameterSpec): string[] {
  return [
    name,
    wrap(describeParameter(spec), 30),
    String(spec.default ?? ''),
    wrap(spec.description ?? '', 60),
  ];
}
