/** Where the server listens, and for whom. */
import { InferenceServerError } from '@nereid/protocol';
import { didYouMean } from '@nereid/protocol/model-config';
import { API_GROUPS, type ApiRestriction } from './option-spec.ts';
import type { CompleteOptions } from './option-table.ts';

/** A port to listen at. */
export interface EndpointOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** Whether other servers may listen at it too. */
  readonly reusePort: boolean;
}

export interface HttpEndpointOptions extends EndpointOptions {
  /** Bytes. */
  readonly maxInputSize: number;
  /** How long a client may leave a streamed answer unread, in milliseconds; 0: any time. */
  readonly streamTimeoutMs: number;
  readonly restrictions: readonly ApiRestriction[];
  readonly headerForwardPattern?: RegExp;
}

/** Calls of these groups must carry the metadata `triton-grpc-protocol-<key>` with this value. */
export interface ProtocolRestriction {
  readonly groups: readonly string[];
  readonly key: string;
  readonly value: string;
}

export interface GrpcEndpointOptions extends EndpointOptions {
  readonly transport: 'http2' | 'grpc-js';
  /** zlib's level for responses, 1 to 9; 0: they are not packed. */
  readonly compressionLevel: number;
  /** Times in milliseconds. */
  readonly keepalive: {
    readonly time: number;
    readonly timeout: number;
    readonly permitWithoutCalls: boolean;
    readonly maxConnectionAge?: number;
    readonly maxConnectionAgeGrace?: number;
    readonly minReceivedPingInterval: number;
    readonly maxPingStrikes: number;
  };
  readonly restrictions: readonly ProtocolRestriction[];
  /** How long a client may leave its answers unread, in milliseconds; 0: any time. */
  readonly streamTimeoutMs: number;
  readonly headerForwardPattern?: RegExp;
  /** Paths of PEM files. */
  readonly ssl?: {
    readonly serverCert: string;
    readonly serverKey: string;
    readonly rootCert?: string;
    readonly mutual: boolean;
  };
}

/** @returns undefined when HTTP is off. @throws InferenceServerError INVALID_ARG naming the option. */
export function resolveHttp(options: CompleteOptions): HttpEndpointOptions | undefined {
  assertRestrictions('http-restricted-api', options.httpRestrictedApi);
  const pattern = toPattern('http-header-forward-pattern', options.httpHeaderForwardPattern);
  if (!options.allowHttp) return undefined;
  return {
    address: options.httpAddress,
    port: options.httpPort,
    reusePort: options.reuseHttpPort,
    maxInputSize: options.httpMaxInputSize,
    streamTimeoutMs: options.streamTimeoutSecs * 1000,
    restrictions: options.httpRestrictedApi,
    ...(pattern !== undefined && { headerForwardPattern: pattern }),
  };
}

/** zlib's levels for the words of `--grpc-infer-response-compression-level`. */
const COMPRESSION_LEVELS = { none: 0, low: 1, medium: 6, high: 9 } as const;

/** @returns undefined when gRPC is off. @throws InferenceServerError INVALID_ARG naming the option. */
export function resolveGrpc(options: CompleteOptions): GrpcEndpointOptions | undefined {
  assertRestrictions('grpc-restricted-protocol', options.grpcRestrictedProtocol);
  const pattern = toPattern('grpc-header-forward-pattern', options.grpcHeaderForwardPattern);
  const ssl = resolveSsl(options);
  if (!options.allowGrpc) return undefined;
  const { grpcMaxConnectionAge: age, grpcMaxConnectionAgeGrace: grace } = options;
  return {
    address: options.grpcAddress,
    port: options.grpcPort,
    reusePort: options.reuseGrpcPort,
    transport: options.grpcTransport,
    compressionLevel: COMPRESSION_LEVELS[options.grpcInferResponseCompressionLevel],
    keepalive: {
      time: options.grpcKeepaliveTime,
      timeout: options.grpcKeepaliveTimeout,
      permitWithoutCalls: options.grpcKeepalivePermitWithoutCalls,
      minReceivedPingInterval: options.grpcHttp2MinRecvPingIntervalWithoutData,
      maxPingStrikes: options.grpcHttp2MaxPingStrikes,
      ...(age !== undefined && { maxConnectionAge: age }),
      ...(grace !== undefined && { maxConnectionAgeGrace: grace }),
    },
    streamTimeoutMs: options.streamTimeoutSecs * 1000,
    restrictions: options.grpcRestrictedProtocol.map(({ groups, header, value }) => ({
      groups,
      key: header,
      value,
    })),
    ...(pattern !== undefined && { headerForwardPattern: pattern }),
    ...(ssl !== undefined && { ssl }),
  };
}

/** @returns undefined when metrics are off. */
export function resolveMetricsServer(options: CompleteOptions): EndpointOptions | undefined {
  if (!options.allowMetrics) return undefined;
  return {
    address: options.metricsAddress ?? options.httpAddress,
    port: options.metricsPort,
    reusePort: false,
  };
}

/** A service and where it listens; undefined when it is off. */
export interface NamedEndpoint {
  readonly flag: string;
  readonly endpoint: EndpointOptions | undefined;
}

/**
 * @param range - Ports to keep to: `<least>-<most>`.
 * @throws InferenceServerError INVALID_ARG when two services share an address and a port, or one leaves the range.
 */
export function assertPorts(services: readonly NamedEndpoint[], range: string | undefined): void {
  const [least = 0, most = Infinity] = range?.split('-').map(Number) ?? [];
  const taken = new Map<string, string>();
  for (const { flag, endpoint } of services) {
    if (endpoint === undefined || endpoint.port === 0) continue;
    const { address, port } = endpoint;
    const other = taken.get(`${address}:${port}`);
    if (other !== undefined) {
      throw new InferenceServerError(
        'INVALID_ARG',
        `options --${other} and --${flag} are both ${port} at ${address}`,
      );
    }
    if (port < least || port > most) {
      throw new InferenceServerError(
        'INVALID_ARG',
        `option --${flag}: expected a port of --sagemaker-safe-port-range ${range}, found ${port}`,
      );
    }
    taken.set(`${address}:${port}`, flag);
  }
}

function resolveSsl(options: CompleteOptions): GrpcEndpointOptions['ssl'] {
  const { grpcUseSsl, grpcUseSslMutual: mutual, grpcServerCert, grpcServerKey, grpcRootCert } = options;
  if (!grpcUseSsl && !mutual) return undefined;
  const missing =
    grpcServerCert === '' ? 'grpc-server-cert' : grpcServerKey === '' ? 'grpc-server-key' : undefined;
  if (missing !== undefined) {
    throw new InferenceServerError('INVALID_ARG', `option --${missing} must be given with --grpc-use-ssl`);
  }
  return {
    serverCert: grpcServerCert,
    serverKey: grpcServerKey,
    ...(grpcRootCert !== '' && { rootCert: grpcRootCert }),
    mutual,
  };
}

/** A group may be named once only, whatever the header. */
function assertRestrictions(flag: string, restrictions: readonly ApiRestriction[]): void {
  const known: readonly string[] = API_GROUPS;
  const seen = new Set<string>();
  for (const group of restrictions.flatMap(({ groups }) => groups)) {
    if (!known.includes(group)) {
      const hint = didYouMean(group, known);
      throw new InferenceServerError(
        'INVALID_ARG',
        `option --${flag}: expected groups of ${known.join(', ')}, found '${group}'${hint}`,
      );
    }
    if (seen.has(group)) {
      throw new InferenceServerError('INVALID_ARG', `option --${flag}: group '${group}' is restricted twice`);
    }
    seen.add(group);
  }
}

/** Names of headers do not depend on case. */
function toPattern(flag: string, source: string): RegExp | undefined {
  if (source === '') return undefined;
  try {
    return new RegExp(source, 'i');
  } catch (cause) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `option --${flag}: expected a regular expression, found '${source}'`,
      { cause },
    );
  }
}
