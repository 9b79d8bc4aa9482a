/** A gRPC server over hand-written services, and a client of it, for the tests of this folder. */
import type { TestContext } from 'node:test';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { InferRequestMessage, Tensor } from '@nereid/protocol';
import { encodeModelInferRequest } from '@nereid/protocol/grpc';
import { createModelConfig } from '@nereid/protocol/model-config';
import type { InferenceResponse } from '../../../response/inference-response.ts';
import type { HealthService } from '../../../service/health-service.ts';
import type { InferenceService, ServedModel } from '../../../service/inference-service.ts';
import type { ManagementService } from '../../../service/management-service.ts';
import type { GrpcOptions, GrpcTransportName } from '../grpc-options.ts';
import { createGrpcServer, type GrpcServer } from '../grpc-server.ts';
import type { GrpcServices } from '../grpc-services.ts';
import { decodeMessage, encodeMessage } from '../rpc.ts';

let transport: GrpcTransportName = 'http2';

/** Has all servers that are started from now on use that transport. */
export function useTransport(name: GrpcTransportName): void {
  transport = name;
}

export const TEST_OPTIONS: GrpcOptions = {
  address: '127.0.0.1',
  port: 0,
  reusePort: false,
  get transport() {
    return transport;
  },
  keepalive: {
    time: 7_200_000,
    timeout: 20_000,
    permitWithoutCalls: false,
    minReceivedPingInterval: 300_000,
    maxPingStrikes: 2,
  },
  compressionLevel: 0,
  restrictions: [],
  streamTimeoutMs: 60_000,
};

/** What a test gives; any other call of a service is an error. */
export interface FakeServices {
  readonly inference?: Partial<InferenceService>;
  readonly management?: Partial<ManagementService>;
  readonly health?: Partial<HealthService>;
  readonly logger?: Partial<GrpcServices['logger']>;
  readonly tracer?: GrpcServices['tracer'];
}

export function fakeServices(fakes: FakeServices): GrpcServices {
  return {
    inference: withRefusal<InferenceService>(fakes.inference),
    management: withRefusal<ManagementService>(fakes.management),
    health: withRefusal<HealthService>(fakes.health),
    logger: withRefusal<GrpcServices['logger']>({ verbose: () => undefined, ...fakes.logger }),
    tracer: fakes.tracer ?? { isOn: false, start: () => undefined },
  };
}

function withRefusal<T extends object>(fake: Partial<T> = {}): T {
  const refuse = (name: PropertyKey) => (): never => {
    throw new Error(`unexpected call of ${String(name)}`);
  };
  const get = (target: object, name: PropertyKey): unknown => Reflect.get(target, name) ?? refuse(name);
  return new Proxy(fake, { get }) as T;
}

/** A running server and a client that is connected to it; both close when the test ends. */
export interface ServerUnderTest {
  readonly server: GrpcServer;
  readonly client: Client;
  readonly port: number;
}

export async function startServer(
  t: TestContext,
  fakes: FakeServices,
  options: Partial<GrpcOptions> = {},
): Promise<ServerUnderTest> {
  const server = await createGrpcServer(fakeServices(fakes), { ...TEST_OPTIONS, ...options });
  const { port } = await server.listen();
  const client = new Client(`127.0.0.1:${String(port)}`, credentials.createInsecure());
  t.after(async () => {
    client.close();
    await server.close(0);
  });
  return { server, client, port };
}

export function metadataOf(entries: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
}

/** Calls with raw bytes; rejects with grpc-js' ServiceError. */
export function callRaw(
  client: Client,
  path: string,
  request: Buffer,
  metadata = new Metadata(),
): Promise<Buffer> {
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, request, metadata, (error: ServiceError | null, response) => {
      if (error !== null) reject(error);
      else resolve(response ?? Buffer.alloc(0));
    });
  });
}

/** Calls a unary RPC of the generated service. */
export async function callRpc<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  metadata = new Metadata(),
): Promise<MessageShape<O>> {
  const path = `/${method.parent.typeName}/${method.name}`;
  return decodeMessage(
    method.output,
    await callRaw(client, path, encodeMessage(method.input, request), metadata),
  );
}

export const X: Tensor = {
  name: 'X',
  datatype: 'UINT8',
  shape: [2],
  data: new Uint8Array([1, 2]),
};

export function inferRequest(fields: Partial<InferRequestMessage> = {}): Buffer {
  return encodeModelInferRequest({
    modelName: 'm',
    modelVersion: '',
    id: '',
    inputs: [X],
    outputs: [],
    binaryDataOutput: false,
    priority: 0,
    timeoutUs: 0,
    sequence: undefined,
    parameters: undefined,
    ...fields,
  });
}

export function servedModel(fields: Partial<ServedModel> = {}): ServedModel {
  return { name: 'm', version: '1', config: createModelConfig(), decoupled: false, ...fields };
}

export function responseOf(...values: number[]): InferenceResponse {
  const output = {
    name: 'Y',
    datatype: 'UINT8',
    shape: [values.length],
    data: new Uint8Array(values),
  } as const;
  return { outputs: [output], parameters: undefined, error: undefined };
}
