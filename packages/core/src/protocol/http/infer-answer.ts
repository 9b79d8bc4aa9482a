/** Writing the answer to an inference. Hot path. */
import type { HttpAnswer } from '@nereid/backend-sdk/http';
import { INFERENCE_HEADER_CONTENT_LENGTH, type EncodedInferResponse } from '@nereid/protocol/http';
import { JSON_TYPE } from './answer.ts';
import { compress, type Compression } from './compression.ts';

/** Answers of at most this many bytes are put together; the parts of larger ones are written one after the other. */
const COPY_LIMIT = 65_536;

/**
 * Answers of at most this many bytes go to Node as a string of bytes: it joins that with the headers into one
 * plain write, which costs a third less than gathering two buffers.
 */
const STRING_LIMIT = 8192;

type Headers = Record<string, string | number>;

/** Sends an encoded response, compressed if the client asked for it; as it is when that fails. */
export function sendInferResponse(
  response: HttpAnswer,
  encoded: EncodedInferResponse,
  compression: Compression | undefined,
): void {
  if (compression === undefined) {
    sendParts(response, encoded);
    return;
  }
  compress(compression, Buffer.concat([encoded.json, ...encoded.binaries]), (error, body) => {
    if (error !== undefined) {
      sendParts(response, encoded);
      return;
    }
    const headers = headersOf(encoded, body.length);
    headers['Content-Encoding'] = compression;
    response.writeHead(200, headers);
    response.end(body);
  });
}

function sendParts(response: HttpAnswer, encoded: EncodedInferResponse): void {
  const { json, binaries } = encoded;
  let byteSize = json.length;
  for (const binary of binaries) byteSize += binary.length;
  response.writeHead(200, headersOf(encoded, byteSize));
  if (byteSize <= COPY_LIMIT) {
    const body = binaries.length === 0 ? json : Buffer.concat([json, ...binaries], byteSize);
    if (byteSize <= STRING_LIMIT) response.end(body.toString('latin1'), 'latin1');
    else response.end(body);
  } else {
    response.cork();
    response.write(json);
    for (const binary of binaries) response.write(binary);
    response.end();
  }
}

/** The length of the JSON part is that before compression. */
function headersOf({ headerLength }: EncodedInferResponse, byteSize: number): Headers {
  if (headerLength === undefined) return { 'Content-Type': JSON_TYPE, 'Content-Length': byteSize };
  return {
    'Content-Type': 'application/octet-stream',
    [INFERENCE_HEADER_CONTENT_LENGTH]: headerLength,
    'Content-Length': byteSize,
  };
}
