import type { DescEnum, DescEnumValue, DescField, DescFile, DescMessage } from '@bufbuild/protobuf';

type Commented = DescEnum | DescEnumValue | DescField | DescMessage;

/** Field numbers in `descriptor.proto`, of which source paths are made. */
const FILE_MESSAGES = 4;
const FILE_ENUMS = 5;
const MESSAGE_FIELDS = 2;
const MESSAGE_MESSAGES = 3;
const MESSAGE_ENUMS = 4;
const ENUM_VALUES = 2;

/** The comment before each message, field, enum and enum value of a file, in one line. */
export function leadingComments(file: DescFile): ReadonlyMap<Commented, string> {
  const byPath = new Map(
    (file.proto.sourceCodeInfo?.location ?? []).map((l) => [l.path.join('.'), l.leadingComments]),
  );
  const comments = new Map<Commented, string>();
  const add = (descriptor: Commented, path: string): void => {
    const comment = byPath.get(path)?.replaceAll(/\s+/g, ' ').trim();
    if (comment) comments.set(descriptor, comment);
  };
  const addEnum = (descriptor: DescEnum, path: string): void => {
    add(descriptor, path);
    for (const [i, value] of descriptor.values.entries()) add(value, `${path}.${ENUM_VALUES}.${i}`);
  };
  const addMessage = (message: DescMessage, path: string): void => {
    add(message, path);
    for (const [i, field] of message.fields.entries()) add(field, `${path}.${MESSAGE_FIELDS}.${i}`);
    for (const [i, nested] of message.nestedEnums.entries()) addEnum(nested, `${path}.${MESSAGE_ENUMS}.${i}`);
    for (const nested of message.nestedMessages) {
      // Map entries are nested messages in the proto but not in the descriptor, so the indexes differ.
      const index = message.proto.nestedType.findIndex((proto) => proto.name === nested.name);
      addMessage(nested, `${path}.${MESSAGE_MESSAGES}.${index}`);
    }
  };
  for (const [i, descriptor] of file.enums.entries()) addEnum(descriptor, `${FILE_ENUMS}.${i}`);
  for (const [i, message] of file.messages.entries()) addMessage(message, `${FILE_MESSAGES}.${i}`);
  return comments;
}
