import { describeParameter, type ParameterSpec } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { openInstalledBackends } from '../backend/installed-backends.ts';
import { loadHttpPlugin, PluginRegistry } from '../plugin/plugin-registry.ts';
import { describeBackends, describeExtensions } from './serve.ts';
import { formatTable, wrap } from './table.ts';

const FLAG = '--backend-directory';

/**
 * The backends and HTTP plugins that a server would find, and the settings that they declare, as tables.
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
  const { registry, httpPlugins } = await openInstalledBackends(directories, {});
  await registry.loadAll();
  const backends = registry.status();
  const plugins = new PluginRegistry(httpPlugins, {});
  const loaded = await Promise.all(plugins.sources().map(loadHttpPlugin));
  return [
    describeBackends({ backends }),
    describeSettings(
      '--backend-config',
      backends.map(({ manifest, settings }) => ({ name: manifest.name, settings })),
    ),
    httpPlugins.length === 0 ? '' : describeExtensions('HTTP Plugin', plugins.status()),
    describeSettings(
      '--http-plugin-config',
      loaded.map(({ plugin: { name, settings = {} } }) => ({ name, settings })),
    ),
  ]
    .filter((table) => table !== '')
    .map((table) => `${table}\n`)
    .join('\n');
}

/** Who has settings. */
interface SettingsOwner {
  readonly name: string;
  readonly settings: Readonly<Record<string, ParameterSpec>>;
}

/** The table of what may be set with a flag; '' when there is nothing. */
function describeSettings(flag: string, owners: readonly SettingsOwner[]): string {
  const rows = owners.flatMap(({ name, settings }) =>
    Object.entries(settings).map(([setting, spec]) => describeSetting(`${name},${setting}=`, spec)),
  );
  return rows.length === 0 ? '' : formatTable([`${flag}=`, 'Value', 'Default', 'What it is'], rows);
}

function describeSetting(name: string, spec: ParameterSpec): string[] {
  return [
    name,
    wrap(describeParameter(spec), 30),
    String(spec.default ?? ''),
    wrap(spec.description ?? '', 60),
  ];
}
