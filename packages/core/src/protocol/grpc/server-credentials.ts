import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
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

/** @throws InferenceServerError INVALID_ARG naming the files that could not be read or used. */
export function createServerCredentials(ssl: GrpcSsl | undefined): ServerCredentials {
  if (ssl === undefined) return ServerCredentials.createInsecure();
  const cert = readPem(ssl.serverCert, '--grpc-server-cert');
  const key = readPem(ssl.serverKey, '--grpc-server-key');
  const ca = ssl.rootCert === undefined ? null : readPem(ssl.rootCert, '--grpc-root-cert');
  assertUsable(ssl, { cert, key, ...(ca !== null && { ca }) });
  return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], ssl.mutual);
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
