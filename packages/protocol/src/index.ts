export { STATUS_CODES, type StatusCode } from './status-code.ts';
export {
  InferenceServerError,
  isStatusCode,
  type HttpErrorFields,
  type InferenceServerErrorOptions,
} from './inference-server-error.ts';
export {
  DATATYPES,
  datatypeByteSize,
  datatypeOfArray,
  fromConfigDatatype,
  isDatatype,
  toConfigDatatype,
  type ConfigDatatype,
  type Datatype,
} from './datatype.ts';
export {
  countBytesElements,
  decodeBytesTensor,
  decodeStringTensor,
  encodeBytesTensor,
  type BytesElementCount,
  type BytesTensorFault,
} from './bytes-tensor.ts';
export { textEnd } from './json-text.ts';
export { ImagesAside } from './images-aside.ts';
export { withoutImages } from './without-images.ts';
export { elementCount, shapeToString } from './shape.ts';
export type {
  InferInput,
  InferOutput,
  InferRequestedOutput,
  InferRequestMessage,
  InferResponseMessage,
  Parameters,
  ParameterValue,
  SequenceFields,
  SharedMemoryRef,
  Tensor,
} from './infer-message.ts';
