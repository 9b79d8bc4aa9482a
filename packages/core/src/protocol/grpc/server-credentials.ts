import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { InferenceServerError } from '@nereid/protocol';

/** TLS for the gRPC endpoint; all files in PEM. */
export interface GrpcSsl {
  /** `--grpc-server-cert` */
  readonly serverCert: string;
  /** `--grpc-server-key` */
  readonly serverKey: string;
  /** `--grpc-root-cert`: who may sign the certificates of clients. */
  readonly rootCert?: string;
  /** `--grpc-use-ssl-mutual`: clients must show a certificate. */
  readonly mutual: boolean;
}

/** What those files hold. */
export interface PemFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Who may sign the certificates of clients; undefined: the authorities that Node knows. */
  readonly ca: Buffer | undefined;
  readonly mutual: boolean;
}

/** @throws InferenceServerError INVALID_ARG naming the files that could not be read or used. */
export function readServerCredentials(ssl: GrpcSsl): PemFiles {
  const cert = readPem(ssl.serverCert, '--grpc-server-cert');
  const key = readPem(ssl.serverKey, '--grpc-server-key');
  const ca = ssl.rootCert === undefined ? undefined : readPem(ssl.rootCert, '--grpc-root-cert');
  assertUsable(ssl, { cert, key, ...(ca !== undefined && { ca }) });
  return { cert, key, ca, mutual: ssl.mutual };
}

function readPem(path: string, option: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = InferenceServerError.from(cause).message;
    throw new InferenceServerError('INVALID_ARG', `${option}: cannot read '${path}': ${reason}`, { cause });
  }
}

function assertUsable({ serverCert, serverKey }: GrpcSsl, context: SecureContextOptions): void {
  try {
    createSecureContext(context);
  } catch (cause) {
    const reason = InferenceServerError.from(cause).message;
    const message = `cannot use --grpc-server-cert '${serverCert}' with --grpc-server-key '${serverKey}': ${reason}`;
    throw new InferenceServerError('INVALID_ARG', message, { cause });
  }
}
