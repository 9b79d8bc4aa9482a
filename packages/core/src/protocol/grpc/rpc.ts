/** One RPC of the server, its messages as raw bytes, and how to write one over generated messages. */
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { InferenceServerError } from '@nereid/protocol';
import type { StreamCall, UnaryCall } from './call.ts';
import { toGrpcStatus } from './error-handler.ts';
import type { GrpcServices } from './grpc-services.ts';

interface RpcName {
  /** Full name of the service: `inference.GRPCInferenceService`. */
  readonly service: string;
  /** Name within the service: `ModelInfer`. */
  readonly method: string;
}

export interface UnaryRpc extends RpcName {
  readonly kind: 'unary';
  readonly handler: (call: UnaryCall) => void;
}

export interface StreamRpc extends RpcName {
  /** `serverStream`: the one request is not looked at, and the handler does not read. */
  readonly kind: 'serverStream' | 'bidi';
  readonly handler: (call: StreamCall) => void;
}

export type Rpc = UnaryRpc | StreamRpc;

/** Service and method names as they stand in the path of a call. */
export function rpcName(method: DescMethod): RpcName {
  return { service: method.parent.typeName, method: method.name };
}

/** A unary RPC that is answered with a message, or with what a message can be made from. */
export function unaryRpc<I extends DescMessage, O extends DescMessage>(
  { logger }: GrpcServices,
  method: DescMethodUnary<I, O>,
  answer: (request: MessageShape<I>) => MessageInitShape<O> | Promise<MessageInitShape<O>>,
): UnaryRpc {
  const respond = async (request: Buffer): Promise<Buffer> =>
    encodeMessage(method.output, await answer(decodeMessage(method.input, request)));
  return {
    ...rpcName(method),
    kind: 'unary',
    handler: (call) => {
      respond(call.request).then(
        (response) => {
          call.answer(response);
        },
        (reason: unknown) => {
          call.fail(toGrpcStatus(reason, logger));
        },
      );
    },
  };
}

/** @throws InferenceServerError INTERNAL when the bytes are no such message. */
export function decodeMessage<I extends DescMessage>(schema: I, bytes: Uint8Array): MessageShape<I> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new InferenceServerError('INTERNAL', 'Unable to parse request', { cause });
  }
}

export function encodeMessage<O extends DescMessage>(schema: O, message: MessageInitShape<O>): Buffer {
  const bytes = toBinary(schema, create(schema, message));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
