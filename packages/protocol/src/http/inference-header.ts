import { InferenceServerError } from '../inference-server-error.ts';

/** The header that holds the length of the JSON part of a body, in bytes before compression. */
export const INFERENCE_HEADER_CONTENT_LENGTH = 'Inference-Header-Content-Length';

/**
 * Reads the value of the header; undefined when the header is absent: the whole body is JSON. The range is checked
 * against the body when that is decoded.
 *
 * @throws InferenceServerError INVALID_ARG when the value is not an integer.
 */
export function parseInferenceHeaderLength(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\s*[+-]?[0-9]{1,15}\s*$/.test(value)) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `Unable to parse ${INFERENCE_HEADER_CONTENT_LENGTH}, got: ${value}`,
    );
  }
  return Number(value);
}

/**
 * The length of the JSON part of a body.
 *
 * @throws InferenceServerError INVALID_ARG when the header's value does not lie within the body.
 */
export function jsonLengthOf(body: Uint8Array, headerLength: number | undefined): number {
  if (headerLength === undefined) return body.length;
  if (headerLength < 0 || headerLength > body.length) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `inference header size should be in range (0, ${body.length}), got: ${headerLength}`,
    );
  }
  return headerLength;
}
