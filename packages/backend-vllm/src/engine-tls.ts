import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { InferenceServerError } from '@nereid/backend-sdk';

/** Files in PEM form, by the names of the parameters that give them. */
export interface TlsFiles {
  readonly engine_ca_file?: string | undefined;
  readonly engine_certificate_file?: string | undefined;
  readonly engine_certificate_key_file?: string | undefined;
}

type FileParameter = keyof TlsFiles;

/**
 * Reads whom to trust, and as whom to be seen, when engines are asked over https.
 *
 * @returns undefined when no file is given: authorities as Node.js has them, and no certificate of our own.
 * @throws InferenceServerError INVALID_ARG naming the parameter whose file can't be used.
 */
export async function readEngineTls(files: TlsFiles): Promise<SecureContext | undefined> {
  const { engine_certificate_file: certificate, engine_certificate_key_file: key } = files;
  if ((certificate === undefined) !== (key === undefined)) {
    throw invalid("expected 'engine_certificate_file' and 'engine_certificate_key_file', found one of them");
  }
  const [ca, cert, ownKey] = await Promise.all([
    readCertificate(files, 'engine_ca_file'),
    readCertificate(files, 'engine_certificate_file'),
    readText(files, 'engine_certificate_key_file'),
  ]);
  if (ca === undefined && cert === undefined) return undefined;
  try {
    return createSecureContext({
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && ownKey !== undefined && { cert, key: ownKey }),
    });
  } catch (error) {
    // Certificates were read: it is the key. What OpenSSL says of it has nothing of it.
    throw invalid(`engine_certificate_key_file '${key}' is no key of the certificate: ${messageOf(error)}`);
  }
}

async function readCertificate(files: TlsFiles, name: FileParameter): Promise<string | undefined> {
  const text = await readText(files, name);
  if (text === undefined) return undefined;
  try {
    new X509Certificate(text);
    return text;
  } catch (error) {
    throw invalid(`${name} '${files[name]}': expected a certificate in PEM form: ${messageOf(error)}`);
  }
}

async function readText(files: TlsFiles, name: FileParameter): Promise<string | undefined> {
  const file = files[name];
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw invalid(`${name} can't be read: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function invalid(message: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', message);
}
