import { InferenceServerError, type StatusCode } from '@nereid/protocol';
import type { ModelConfig, Position } from '@nereid/protocol/model-config';

/** Where a configuration was written, so that errors can show the place. */
export interface ConfigSource {
  /** As messages show it: `<model>/config.pbtxt`. '' when there is no file. */
  readonly file: string;
  /** Where each field stands in the file, by path: `input[0].dims`. Empty for JSON. */
  readonly positions: ReadonlyMap<string, Position>;
}

/** A configuration as read, and from where. */
export interface SourcedModelConfig {
  /** Undefined when the model has none. */
  readonly config: ModelConfig | undefined;
  readonly source: ConfigSource;
}

/** The source of a model without a configuration. */
export const NO_SOURCE: ConfigSource = { file: '', positions: new Map() };

/**
 * The error for a field of a configuration. Its message starts with `file:line:column: ` of the field or, when
 * that is not in the file, of the nearest message that would hold it; with `file: ` when nothing is known.
 *
 * @param path - `input[0].dims`, '' for the configuration as a whole.
 */
export function configError(
  source: ConfigSource,
  path: string,
  message: string,
  code: StatusCode = 'INVALID_ARG',
): InferenceServerError {
  return new InferenceServerError(code, placeOf(source, path) + message);
}

function placeOf({ file, positions }: ConfigSource, path: string): string {
  if (file === '') return '';
  for (let at = path; at !== ''; at = parentPath(at)) {
    const position = positions.get(at);
    if (position !== undefined) return `${file}:${position.line}:${position.column}: `;
  }
  return `${file}: `;
}

/** `input[0].dims[1]` → `input[0].dims` → `input[0]` → `input` → ''. */
function parentPath(path: string): string {
  const end = path.endsWith(']') ? path.lastIndexOf('[') : path.lastIndexOf('.');
  return end < 0 ? '' : path.slice(0, end);
}
