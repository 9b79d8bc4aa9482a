import { InferenceServerError } from '@nereid/backend-sdk';

/**
 * Numbers of ONNX Runtime's statuses by what their messages say: the library's Node.js binding hands on only the
 * message, Triton's answers begin with the number.
 */
const STATUS_NUMBERS: readonly (readonly [RegExp, number])[] = [
  [/Protobuf parsing failed/, 7],
  [/File doesn't exist/, 3],
  [/^(Got invalid dimensions|Unexpected input data type|Invalid rank|Missing Input|Invalid input name)/, 2],
];

/** Anything that the library threw, with the text that Triton gives its errors. */
export function fromOrtError(error: unknown): InferenceServerError {
  if (InferenceServerError.is(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  const number = STATUS_NUMBERS.find(([pattern]) => pattern.test(message))?.[1] ?? 1;
  return new InferenceServerError('INTERNAL', `onnx runtime error ${number}: ${message}`, { cause: error });
}
