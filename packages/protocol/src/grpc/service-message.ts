/** Codec of the messages that are not on the hot path: everything but inference, through generated code. */
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { malformedMessage } from './wire-reader.ts';

export type { DescMessage, MessageInitShape, MessageShape };

/**
 * Serialises a message of `@nereid/protocol/gen`.
 *
 * @param init The message, or the fields of it that are not at their defaults.
 */
export function encodeMessage<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Buffer {
  const bytes = toBinary(schema, create(schema, init));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Reads a serialised message of `@nereid/protocol/gen`.
 *
 * @throws InferenceServerError INTERNAL when the bytes are not such a message.
 */
export function decodeMessage<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch {
    throw malformedMessage();
  }
}
