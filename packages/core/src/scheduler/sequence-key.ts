import { InferenceServerError, type SequenceFields } from '@nereid/protocol';
import { requestIdPrefix, type InferenceRequest } from '../request/inference-request.ts';

/** Triton's limit, in UTF-16 units. */
const MAX_STRING_ID = 128;

/** A correlation ID as the key of a map. */
export type SequenceKey = number | string;

/** The key of a correlation ID: a number and a string of the same digits are two, a number and a bigint are one. */
export function sequenceKey(id: SequenceFields['id']): SequenceKey {
  if (typeof id === 'number') return id;
  if (typeof id === 'string') return `s${id}`;
  return id <= Number.MAX_SAFE_INTEGER ? Number(id) : `n${id}`;
}

/**
 * Checks that a request can be one of a sequence (SCH-13).
 *
 * @throws InferenceServerError INVALID_ARG without a correlation ID or with more than one row; UNSUPPORTED when the ID
 * is too long.
 */
export function assertSequenceRequest(request: InferenceRequest, id: SequenceFields['id']): void {
  if (id === 0 || id === '') {
    const rule = 'must specify a non-zero or non-empty correlation ID';
    throw new InferenceServerError('INVALID_ARG', `${who(request)} ${rule}`);
  }
  if (request.batchSize !== 1) {
    const rule = 'must specify batch-size 1 due to requirements of sequence batcher';
    throw new InferenceServerError('INVALID_ARG', `${who(request)} ${rule}, found ${request.batchSize}`);
  }
  if (typeof id === 'string' && id.length > MAX_STRING_ID) {
    const rule = `string correlation ID cannot be longer than ${MAX_STRING_ID} characters`;
    throw new InferenceServerError('UNSUPPORTED', `${who(request)}: ${rule}, found ${id.length}`);
  }
}

function who({ id, modelName }: InferenceRequest): string {
  return `${requestIdPrefix(id)}inference request to model '${modelName}'`;
}

/** A request continues a sequence that is not there (SCH-14). */
export function notStarted(request: InferenceRequest, id: SequenceFields['id']): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `${requestIdPrefix(request.id)}inference request for sequence ${String(id)} to model '${request.modelName}' ` +
      'must specify the START flag on the first request of the sequence',
  );
}
