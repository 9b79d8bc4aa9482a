import { credentials, Metadata, Client, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { InferenceServerError } from '@nereid/protocol';
import { statusCodeOf } from '@nereid/protocol/grpc';
import type { CallOptions } from './inference-client.ts';

/** Certificates and keys in PEM. */
export interface GrpcTlsOptions {
  /** Whom to trust. Default: the certificates that come with Node. */
  readonly rootCertificates?: Uint8Array;
  /** For servers that want to know the client: its key … */
  readonly privateKey?: Uint8Array;
  /** … and its certificate. */
  readonly certificateChain?: Uint8Array;
}

/** Options of a gRPC client. */
export interface GrpcClientOptions {
  /** Metadata for all calls. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `true` or certificates: over TLS. Default: false. */
  readonly tls?: boolean | GrpcTlsOptions;
  /** Compression of requests. Default: none. */
  readonly compression?: 'gzip' | 'deflate';
}

/** Numbers of the option `grpc.default_compression_algorithm`. */
const COMPRESSION_ALGORITHM = { deflate: 1, gzip: 2 } as const;

/** How to send a request and read its answer. */
export interface UnaryCodec<Request, Response> {
  /** `/inference.GRPCInferenceService/ModelInfer` */
  readonly path: string;
  readonly encode: (request: Request) => Buffer;
  readonly decode: (bytes: Buffer) => Response;
}

/** A channel to one server, whose calls carry bytes and fail with InferenceServerErrors. */
export class GrpcConnection {
  readonly #client: Client;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(address: string, options: GrpcClientOptions) {
    this.#headers = options.headers ?? {};
    this.#client = new Client(address, toCredentials(options.tls ?? false), {
      // Tensors are large: no limit but that of gRPC itself.
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      ...(options.compression && {
        'grpc.default_compression_algorithm': COMPRESSION_ALGORITHM[options.compression],
      }),
    });
  }

  /** Makes a unary call. */
  async unary<Request, Response>(
    codec: UnaryCodec<Request, Response>,
    request: Request,
    { headers, signal }: CallOptions,
  ): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    if (signal?.aborted) throw cancelled(signal.reason);
    const cancel = () => call.cancel();
    const { path, encode, decode } = codec;
    const call = this.#client.makeUnaryRequest(
      path,
      encode,
      decode,
      request,
      this.#metadata(headers),
      (error, value) => {
        signal?.removeEventListener('abort', cancel);
        if (error !== null) reject(toInferenceServerError(error));
        else if (value !== undefined) resolve(value);
      },
    );
    signal?.addEventListener('abort', cancel, { once: true });
    return promise;
  }

  /** Opens a bidirectional stream. */
  bidi<Request, Response>(
    { path, encode, decode }: UnaryCodec<Request, Response>,
    headers: CallOptions['headers'],
  ): ClientDuplexStream<Request, Response> {
    return this.#client.makeBidiStreamRequest(path, encode, decode, this.#metadata(headers));
  }

  close(): void {
    this.#client.close();
  }

  #metadata(headers: CallOptions['headers']): Metadata {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries({ ...this.#headers, ...headers })) metadata.set(name, value);
    return metadata;
  }
}

/** The error of a call, with the code of its status; what is no gRPC status becomes INTERNAL. */
export function toInferenceServerError(reason: unknown): InferenceServerError {
  if (!isServiceError(reason)) return InferenceServerError.from(reason);
  return new InferenceServerError(statusCodeOf(reason.code), reason.details, { cause: reason });
}

/** The error of a call whose signal was aborted. */
export function cancelled(cause: unknown): InferenceServerError {
  return new InferenceServerError('CANCELLED', 'the request was cancelled', { cause });
}

function isServiceError(reason: unknown): reason is ServiceError {
  return (
    reason instanceof Error && 'code' in reason && typeof reason.code === 'number' && 'details' in reason
  );
}

function toCredentials(tls: boolean | GrpcTlsOptions) {
  if (tls === false) return credentials.createInsecure();
  if (tls === true) return credentials.createSsl();
  const { rootCertificates, privateKey, certificateChain } = tls;
  return credentials.createSsl(toBuffer(rootCertificates), toBuffer(privateKey), toBuffer(certificateChain));
}

function toBuffer(bytes: Uint8Array | undefined): Buffer | null {
  return bytes === undefined ? null : Buffer.from(bytes);
}
