import { InferenceServerError, type SequenceFields } from '@nereid/protocol';
import { requestIdPrefix, type InferenceRequest } from '../request/inference-request.ts';

/** Triton's limit, in UTF-16 units. */
const MAX_STRING_ID = 128;

/** A correlation ID as the key of a map: a number and a string of the same digits are two. */
export function sequenceKey(id: SequenceFields['id']): string {
  return `${typeof id === 'string' ? 's' : 'n'}${id}`;
}

/**
 * Checks that a request can be one of a sequence (SCH-13).
 *
 * @throws InferenceServerError INVALID_ARG without a correlation ID or with more than one row; UNSUPPORTED when the ID
 * is too long.
 */
export function assertSequenceRequest(request: InferenceRequest, id: SequenceFields['id']): void {
  const who = `${requestIdPrefix(request.id)}inference request to model '${request.modelName}'`;
  if (id === 0 || id === '') {
    const rule = 'must specify a non-zero or non-empty correlation ID';
    throw new InferenceServerError('INVALID_ARG', `${who} ${rule}`);
  }
  if (request.batchSize !== 1) {
    const rule = 'must specify batch-size 1 due to requirements of sequence batcher';
    throw new InferenceServerError('INVALID_ARG', `${who} ${rule}, found ${request.batchSize}`);
  }
  if (typeof id === 'string' && id.length > MAX_STRING_ID) {
    const rule = `string correlation ID cannot be longer than ${MAX_STRING_ID} characters`;
    throw new InferenceServerError('UNSUPPORTED', `${who}: ${rule}, found ${id.length}`);
  }
}

/** A request continues a sequence that is not there (SCH-14). */
export function notStarted(request: InferenceRequest, id: SequenceFields['id']): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `${requestIdPrefix(request.id)}inference request for sequence ${String(id)} to model '${request.modelName}' ` +
      'must specify the START flag on the first request of the sequence',
  );
}
