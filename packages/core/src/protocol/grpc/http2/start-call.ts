/** From a stream to the RPC that answers it. */
import { HTTP2_ERROR } from '../../http2/frames.ts';
import type { AnswerHeaders } from '../../http2/header-encoder.ts';
import type { CallMetadata, UnaryCall } from '../call.ts';
import type { GrpcStatus } from '../error-handler.ts';
import type { Rpc, UnaryRpc } from '../rpc.ts';
import { GRPC } from './grpc-codes.ts';
import { Http2Call, type CallOptions, type IncomingCall } from './http2-call.ts';

const NO_REQUEST: GrpcStatus = { code: GRPC.INTERNAL, details: 'the call ended without a request message' };
const TOO_MANY_REQUESTS: GrpcStatus = {
  code: GRPC.UNIMPLEMENTED,
  details: 'the call has more than one request message',
};
const UNSUPPORTED_MEDIA_TYPE: AnswerHeaders = [[':status', '415']];

/**
 * Starts a call; one that names no RPC is refused.
 *
 * @param rpcs - By path: `/inference.GRPCInferenceService/ModelInfer`.
 */
export function startCall(
  incoming: IncomingCall,
  rpcs: ReadonlyMap<string, Rpc>,
  options: CallOptions,
): void {
  const { headers, stream } = incoming;
  if (headers['content-type']?.startsWith('application/grpc') !== true) {
    stream.respond(UNSUPPORTED_MEDIA_TYPE, { endsStream: true, isRepeated: false });
    // What else it sends is not wanted.
    stream.reset(HTTP2_ERROR.NO_ERROR);
    return;
  }
  const path = headers[':path'] ?? '';
  const rpc = rpcs.get(path);
  const call = new Http2Call(incoming, options);
  if (rpc === undefined) {
    call.fail({ code: GRPC.UNIMPLEMENTED, details: `The server does not implement the method ${path}` });
  } else if (rpc.kind === 'bidi') {
    rpc.handler(call);
  } else if (rpc.kind === 'unary') {
    startUnary(call, rpc);
  } else {
    readOne(call, () => {
      rpc.handler(call);
    });
  }
}

function startUnary(call: Http2Call, rpc: UnaryRpc): void {
  readOne(call, (request) => {
    rpc.handler(new Http2UnaryCall(call, request));
  });
}

/** Calls back with the first message, at once. */
function readOne(call: Http2Call, start: (request: Buffer) => void): void {
  let isStarted = false;
  call.read({
    onMessage: (request) => {
      if (isStarted) {
        call.fail(TOO_MANY_REQUESTS);
      } else {
        isStarted = true;
        start(request);
      }
    },
    onHalfClose: () => {
      if (!isStarted) call.fail(NO_REQUEST);
    },
  });
}

class Http2UnaryCall implements UnaryCall {
  readonly request: Buffer;
  readonly #call: Http2Call;

  constructor(call: Http2Call, request: Buffer) {
    this.#call = call;
    this.request = request;
  }

  get metadata(): CallMetadata {
    return this.#call.metadata;
  }

  onClose(listener: () => void): void {
    this.#call.onClose(listener);
  }

  answer(message: Buffer): void {
    this.#call.write(message);
    this.#call.end();
  }

  fail(status: GrpcStatus): void {
    this.#call.fail(status);
  }
}
