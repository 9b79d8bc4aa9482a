/** A collector of OpenTelemetry's spans over HTTP, and no more of its protobuf messages than tests look at. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** Attributes: strings, and numbers as they are. */
export type SpanAttributes = Readonly<Record<string, string | number>>;

/** A span as it arrived. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** '' for one without a parent. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  /** Nanoseconds since the epoch. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: SpanAttributes;
  readonly events: readonly { readonly name: string; readonly ns: bigint }[];
  /** What its status says; '' when it is well. */
  readonly error: string;
  readonly resource: SpanAttributes;
}

/** A running collector. */
export interface Collector extends AsyncDisposable {
  /** Where spans are sent to. */
  readonly url: string;
  /** Resolves with all spans so far when there are that many. */
  spans(count: number): Promise<readonly CollectedSpan[]>;
}

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  let wake = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      spans.push(...decodeExport(body));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      wake.resolve();
      wake = Promise.withResolvers();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/v1/traces`,
    spans: async (count) => {
      while (spans.length < count) await wake.promise;
      return spans;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** The values of a message by the numbers of their fields. */
type Fields = ReadonlyMap<number, readonly (Uint8Array | bigint)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (Uint8Array | bigint)[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const value = valueOf(reader, number, type);
    if (value !== undefined) fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

function valueOf(reader: BinaryReader, number: number, type: WireType): Uint8Array | bigint | undefined {
  if (type === WireType.LengthDelimited) return reader.bytes();
  if (type === WireType.Varint) return BigInt(reader.int64());
  if (type === WireType.Bit64) return BigInt(reader.fixed64());
  reader.skip(type, number);
  return undefined;
}

function messages(fields: Fields, number: number): readonly Fields[] {
  return (fields.get(number) ?? []).map((value) => fieldsOf(bytesOf(value)));
}

function bytesOf(value: Uint8Array | bigint | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}

function textOf(fields: Fields | undefined, number: number): string {
  return Buffer.from(bytesOf(fields?.get(number)?.[0])).toString();
}

function hexOf(fields: Fields, number: number): string {
  return Buffer.from(bytesOf(fields.get(number)?.[0])).toString('hex');
}

function numberOf(fields: Fields, number: number): bigint {
  const value = fields.get(number)?.[0];
  return typeof value === 'bigint' ? value : 0n;
}

/** ExportTraceServiceRequest → ResourceSpans → ScopeSpans → Span */
function decodeExport(body: Uint8Array): readonly CollectedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const resource = attributesOf(messages(resourceSpans, 1)[0] ?? new Map(), 1);
    const scopes = messages(resourceSpans, 2);
    return scopes.flatMap((scope) => messages(scope, 2).map((span) => decodeSpan(span, resource)));
  });
}

function decodeSpan(span: Fields, resource: SpanAttributes): CollectedSpan {
  return {
    traceId: hexOf(span, 1),
    spanId: hexOf(span, 2),
    traceState: textOf(span, 3),
    parentSpanId: hexOf(span, 4),
    name: textOf(span, 5),
    startNs: numberOf(span, 7),
    endNs: numberOf(span, 8),
    attributes: attributesOf(span, 9),
    events: messages(span, 11).map((event) => ({ name: textOf(event, 2), ns: numberOf(event, 1) })),
    error: textOf(messages(span, 15)[0], 2),
    resource,
  };
}

/** KeyValue { key = 1, value = 2 { string_value = 1, int_value = 3 } } */
function attributesOf(fields: Fields, number: number): SpanAttributes {
  return Object.fromEntries(
    messages(fields, number).map((pair) => {
      const value = messages(pair, 2)[0] ?? new Map<number, never>();
      return [textOf(pair, 1), value.has(3) ? Number(numberOf(value, 3)) : textOf(value, 1)];
    }),
  );
}
