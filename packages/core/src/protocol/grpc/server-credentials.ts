import { readFileSync } from 'node:fs';
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

/** @throws InferenceServerError INVALID_ARG naming the file that could not be read or used. */
export function createServerCredentials(ssl: GrpcSsl | undefined): ServerCredentials {
  if (ssl === undefined) return ServerCredentials.createInsecure();
  const rootCert = ssl.rootCert === undefined ? null : readPem(ssl.rootCert, '--grpc-root-cert');
  const certChain = readPem(ssl.serverCert, '--grpc-server-cert');
  const privateKey = readPem(ssl.serverKey, '--grpc-server-key');
  return ServerCredentials.createSsl(
    rootCert,
    [{ cert_chain: certChain, private_key: privateKey }],
    ssl.mutual,
  );
}

function readPem(path: string, option: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = InferenceServerError.from(cause).message;
    throw new InferenceServerError('INVALID_ARG', `${option}: cannot read '${path}': ${reason}`, { cause });
  }
}
