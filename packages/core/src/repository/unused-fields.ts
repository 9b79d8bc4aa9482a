import type { ConfigSource } from './config-source.ts';
import { findFieldSupport } from './field-support.ts';

/**
 * The fields of a configuration file that are accepted without effect, each with its place: what the log warns of,
 * so that nothing that was asked for is dropped in silence. Fields inside one that is named are left out.
 *
 * @param switchedOff - Fields that the server's options leave without effect.
 */
export function findUnusedFields(
  { file, positions }: ConfigSource,
  switchedOff: ReadonlySet<string> = new Set(),
): readonly string[] {
  const unused = new Map<string, string>();
  for (const [path, { line, column }] of positions) {
    const field = toFieldPath(path);
    if (findFieldSupport(field)?.status !== 'ignored' && !switchedOff.has(field)) continue;
    const isInside = [...unused.keys()].some((outer) => field.startsWith(`${outer}.`));
    if (!isInside && !unused.has(field)) unused.set(field, `${file}:${line}:${column}: '${field}'`);
  }
  return [...unused.values()];
}

/** `input[0].dims[1]` is the field `input.dims`; `parameters["x"].string_value` is `parameters.string_value`. */
function toFieldPath(path: string): string {
  return path.replaceAll(/\[(?:\d+|"(?:[^"\\]|\\.)*")\]/g, '');
}
