/** Fails in the way that its input says. */
import { defineModel, InferenceServerError, type StatusCode } from '@nereid/backend-script';

const CODES: Readonly<Record<string, StatusCode>> = {
  UNKNOWN: 'UNKNOWN',
  INTERNAL: 'INTERNAL',
  NOT_FOUND: 'NOT_FOUND',
  INVALID_ARG: 'INVALID_ARG',
  UNAVAILABLE: 'UNAVAILABLE',
  UNSUPPORTED: 'UNSUPPORTED',
  ALREADY_EXISTS: 'ALREADY_EXISTS',
  CANCELLED: 'CANCELLED',
};

export default defineModel({
  execute(request) {
    const [mode = ''] = request.input('MODE').toStrings();
    if (mode === 'raise') throw new Error('model raised on purpose');
    if (mode === 'ok') return { outputs: { OUT: 'fine' } };
    if (mode === 'nothing') return {};
    if (mode === 'badname') return { outputs: { NOPE: { datatype: 'BYTES', shape: [1], values: 'x' } } };
    const code = CODES[mode];
    if (code === undefined) return new InferenceServerError('INTERNAL', 'model answered with an error');
    return new InferenceServerError(code, `code ${mode}`);
  },
});
