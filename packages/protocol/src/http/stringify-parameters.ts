import type { ParameterValue, Parameters } from '../infer-message.ts';

/** Parameters as a JSON object: integers exact, doubles with a fraction, NaN and Infinity bare. */
export function stringifyParameters(parameters: Parameters): string {
  let text = '';
  for (const name of Object.keys(parameters)) {
    text += `${text === '' ? '{' : ','}${JSON.stringify(name)}:${stringifyParameter(parameters[name] ?? '')}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

function stringifyParameter(value: ParameterValue): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
