import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** A certificate and its key: files in PEM form. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Who signs certificates. */
export interface Authority {
  /** Its own certificate, which those who trust it have: a file in PEM form. */
  readonly cacert: string;
  /** Makes a certificate for 127.0.0.1 and for a name. */
  issue(name: string): Certificate;
}

/** Why there are no certificates to test with; undefined when `openssl` 3 is installed. */
export function whyNoCertificates(): string | undefined {
  const { stdout } = spawnSync('openssl', ['version'], { encoding: 'utf8' });
  return /^OpenSSL [3-9]/.test(stdout ?? '') ? undefined : 'needs openssl 3';
}

/** Makes an authority, whose files lie in a folder that exists. */
export function createAuthority(directory: string, name: string): Authority {
  const make = (file: string, subject: string, more: readonly string[]): Certificate => {
    const [cert, key] = [join(directory, `${file}.pem`), join(directory, `${file}.key`)];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
    const outputs = ['-keyout', key, '-out', cert, '-subj', `/CN=${subject}`];
    execFileSync('openssl', ['req', '-x509', ...curve, ...outputs, ...more], { stdio: 'ignore' });
    return { cert, key };
  };
  const own = make(name, name, []);
  return {
    cacert: own.cert,
    issue: (subject) =>
      make(`${name}-${subject}`, subject, [
        ...['-CA', own.cert, '-CAkey', own.key],
        ...['-addext', `subjectAltName=IP:127.0.0.1,DNS:${subject}`, '-addext', 'basicConstraints=CA:FALSE'],
      ]),
  };
}
