/** What to do about TLS that fails: OpenSSL tells what it found, not which setting it is about. */

const UNKNOWN_SIGNER =
  "its certificate was signed by nobody who is trusted here, give the signer's certificate as 'engine_ca_file'";
const NO_TLS = 'it does not speak TLS there, is its URL one of http://?';
const WANTS_CERTIFICATE =
  "it wants a certificate of its clients, give one that it trusts as 'engine_certificate_file'";

const ADVICE: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_SIGNER,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_SIGNER,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_SIGNER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_SIGNER,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_SIGNER,
  CERT_SIGNATURE_FAILURE: UNKNOWN_SIGNER,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for other names, ask for it by one of them',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: WANTS_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: WANTS_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: WANTS_CERTIFICATE,
};

/** The error with what to do about it; itself when there is nothing to add. */
export function explainTls(error: Error): Error {
  const code = 'code' in error ? String(error.code) : '';
  const advice = ADVICE[code];
  if (advice === undefined) return error;
  return Object.assign(new Error(`${advice} (${error.message})`, { cause: error }), { code });
}
