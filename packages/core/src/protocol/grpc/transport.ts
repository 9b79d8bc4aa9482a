/** What carries the calls: HTTP/2 with gRPC's framing, on a port. */
import type { PemFiles } from './server-credentials.ts';
import type { Rpc } from './rpc.ts';

/** Keepalive of the gRPC endpoint; all times in milliseconds. */
export interface GrpcKeepalive {
  /** `--grpc-keepalive-time`: between pings. */
  readonly time: number;
  /** `--grpc-keepalive-timeout`: how long a ping may stay unanswered. */
  readonly timeout: number;
  /** `--grpc-keepalive-permit-without-calls` */
  readonly permitWithoutCalls: boolean;
  /** `--grpc-max-connection-age`; default: no limit. */
  readonly maxConnectionAge?: number;
  /** `--grpc-max-connection-age-grace`; default: no limit. */
  readonly maxConnectionAgeGrace?: number;
  /** `--grpc-http2-min-recv-ping-interval-without-data`: what clients must leave between pings. */
  readonly minReceivedPingInterval: number;
  /** `--grpc-http2-max-ping-strikes`: pings too early after which a connection is closed; 0: any number. */
  readonly maxPingStrikes: number;
}

/** Settings of a transport. */
export interface TransportOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly reusePort: boolean;
  readonly keepalive: GrpcKeepalive;
  /** Largest message in bytes, either way. */
  readonly maxMessageByteSize: number;
  /** zlib's level for responses, 1 to 9; 0: they are not packed. */
  readonly compressionLevel: number;
  /** TLS; undefined: none. */
  readonly tls: PemFiles | undefined;
}

export interface Transport {
  /** Loads the RPCs; without it, the first call does. */
  prepare(): Promise<void>;
  /** @returns The port it listens on. Rejects with the operating system's error when the port cannot be had. */
  listen(): Promise<number>;
  /**
   * Takes no new calls and lets the running ones end.
   *
   * @param graceMs - After this many milliseconds all connections are cut off.
   */
  close(graceMs: number): Promise<void>;
}

/** The RPCs: most of the code of gRPC, which a port can be open without. */
export type LoadRpcs = () => Promise<readonly Rpc[]>;

/** Makes a transport that serves those RPCs. */
export type CreateTransport = (loadRpcs: LoadRpcs, options: TransportOptions) => Promise<Transport>;
