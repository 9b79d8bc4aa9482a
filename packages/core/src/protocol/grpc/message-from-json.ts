import { fromJson, type DescMessage, type JsonValue, type MessageShape } from '@bufbuild/protobuf';

/** The message of an answer whose V2 JSON has the same members. */
export function messageFromJson<O extends DescMessage>(schema: O, json: object): MessageShape<O> {
  // The types of the V2 JSON are interfaces with readonly lists, which JsonValue does not admit.
  return fromJson(schema, json as JsonValue, { ignoreUnknownFields: true });
}
