/** Which operators a model file has: as much of ONNX's protobuf messages as that takes. */

/** Fields of ModelProto, GraphProto and NodeProto in `onnx.proto`. */
const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const NODE_OPERATOR = 4;
const NODE_DOMAIN = 7;

/** Wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/**
 * Operators that the library's extended and layout optimizations do not look at: these fuse or rearrange what surrounds matrix
 * products, convolutions, normalizations, activations and quantization.
 */
const UNFUSED: ReadonlySet<string> = new Set([
  'Abs',
  'Add',
  'And',
  'Cast',
  'Ceil',
  'Concat',
  'Div',
  'Equal',
  'Floor',
  'Greater',
  'GreaterOrEqual',
  'Identity',
  'Less',
  'LessOrEqual',
  'Max',
  'Min',
  'Mod',
  'Mul',
  'Neg',
  'Not',
  'Or',
  'Reshape',
  'Round',
  'Sign',
  'Squeeze',
  'Sub',
  'Unsqueeze',
  'Where',
  'Xor',
]);

/** Of these operators none is optimized with others: trees, linear models, encoders. */
const UNFUSED_DOMAIN = 'ai.onnx.ml';

/**
 * Whether nothing in a model is for the library's extended and layout optimizations, so that these would change nothing. What they are
 * made of stays with a session: a third of the memory of a tiny one, and of the time to open it.
 *
 * @param model - What is in its file. Of what can't be read, the library is to say what is wrong: false.
 */
export function hasNothingToFuse(model: Uint8Array): boolean {
  try {
    const nodes = fieldsOf(model, MODEL_GRAPH).flatMap((graph) => fieldsOf(graph, GRAPH_NODE));
    return nodes.length > 0 && nodes.every(isUnfused);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function isUnfused(node: Uint8Array): boolean {
  const [domain = ''] = fieldsOf(node, NODE_DOMAIN).map(toText);
  const [operator = ''] = fieldsOf(node, NODE_OPERATOR).map(toText);
  return domain === UNFUSED_DOMAIN || (domain === '' && UNFUSED.has(operator));
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/**
 * The fields of a number in a message that are messages themselves, or text.
 *
 * @throws RangeError for what is no message.
 */
function fieldsOf(message: Uint8Array, number: number): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < message.length;) {
    const tag = readVarint(message, at);
    const { value, end } = skipValue(message, tag.end, tag.value & 7);
    if (value !== undefined && tag.value >>> 3 === number) found.push(value);
    at = end;
  }
  return found;
}

/** A value's end; of bytes also these. */
function skipValue(
  message: Uint8Array,
  at: number,
  wireType: number,
): { readonly value?: Uint8Array; readonly end: number } {
  if (wireType === VARINT) return { end: readVarint(message, at).end };
  if (wireType === FIXED64) return { end: at + 8 };
  if (wireType === FIXED32) return { end: at + 4 };
  if (wireType !== BYTES) throw new RangeError(`wire type ${wireType}`);
  const length = readVarint(message, at);
  const end = length.end + length.value;
  if (end > message.length) throw new RangeError('the message ends within a field');
  return { value: message.subarray(length.end, end), end };
}

/** A number of up to 64 bits; exact up to 2^53, which tags and lengths are. */
function readVarint(message: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = start, scale = 1; at < message.length && at < start + 10; at += 1, scale *= 128) {
    const byte = message[at] ?? 0;
    value += (byte & 127) * scale;
    if (byte < 128) return { value, end: at + 1 };
  }
  throw new RangeError('the message ends within a number');
}
