export { decodeModelInferRequest, encodeModelInferRequest, requestIdOf } from './infer-request.ts';
export { decodeModelInferResponse, encodeModelInferResponse } from './infer-response.ts';
export {
  decodeModelStreamInferResponse,
  encodeModelStreamInferResponse,
  type StreamInferResponseMessage,
} from './stream-infer-response.ts';
export { grpcStatusOf, statusCodeOf } from './status.ts';
export {
  decodeMessage,
  encodeMessage,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from './service-message.ts';
