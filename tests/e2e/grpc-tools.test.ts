/** What general gRPC tools rely on: the health service, reflection, and behaviour under bad calls. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import * as messages from '@nereid/protocol/gen';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const SERVICE = '/inference.GRPCInferenceService';
const LIMIT = { timeout: 30_000 };
const run = promisify(execFile);

/** What is asked of reflection. */
interface ReflectionQuestion {
  readonly case: 'listServices' | 'fileContainingSymbol';
  readonly value: string;
}

let repository: TemporaryRepository;
let server: RunningServer;
let client: Client;

before(async () => {
  repository = makeRepository();
  repository.addOnnx('add_sub');
  server = await startServer(repository.path);
  client = new Client(server.grpc, credentials.createInsecure());
});

after(async () => {
  client.close();
  await server.stop();
  await repository[Symbol.asyncDispose]();
});

test('grpc.health.v1 says SERVING for the server and for any service', LIMIT, async () => {
  const { HealthCheckRequestSchema, HealthCheckResponseSchema, HealthCheckResponse_ServingStatus } = messages;
  for (const service of ['', 'inference.GRPCInferenceService', 'anything']) {
    const request = toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }));
    const answer = fromBinary(HealthCheckResponseSchema, await call('/grpc.health.v1.Health/Check', request));
    assert.equal(answer.status, HealthCheckResponse_ServingStatus.SERVING);
  }
});

for (const [version, api] of [
  ['v1', messages.reflectionV1],
  ['v1alpha', messages.reflectionV1alpha],
] as const) {
  test(`reflection ${version} lists the services and describes them`, LIMIT, async () => {
    const reflect = (messageRequest: ReflectionQuestion) =>
      exchange(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, {
        request: toBinary(
          api.ServerReflectionRequestSchema,
          create(api.ServerReflectionRequestSchema, { messageRequest }),
        ),
        response: api.ServerReflectionResponseSchema,
      });
    const list = (await reflect({ case: 'listServices', value: '' })).messageResponse;
    assert.ok(list.case === 'listServicesResponse');
    const names = list.value.service.map(({ name }) => name);
    assert.ok(names.includes('inference.GRPCInferenceService'), names.join());
    assert.ok(names.includes('grpc.health.v1.Health'), names.join());
    const files = (await reflect({ case: 'fileContainingSymbol', value: 'inference.GRPCInferenceService' }))
      .messageResponse;
    assert.ok(files.case === 'fileDescriptorResponse');
    const methods = files.value.fileDescriptorProto
      .map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes))
      .flatMap(({ service }) => service)
      .flatMap(({ method }) => method.map(({ name }) => name));
    assert.equal(methods.length, 20);
    const unknown = (await reflect({ case: 'fileContainingSymbol', value: 'no.such.Service' }))
      .messageResponse;
    assert.equal(unknown.case, 'errorResponse');
  });
}

test('grpcurl lists, describes and calls without a .proto file', LIMIT, async (context) => {
  if (!(await isInstalled('grpcurl'))) return context.skip('grpcurl is not installed');
  const grpcurl = async (...args: readonly string[]): Promise<string> =>
    (await run('grpcurl', ['-plaintext', ...args])).stdout;
  assert.match(await grpcurl(server.grpc, 'list'), /^inference\.GRPCInferenceService$/m);
  assert.match(await grpcurl(server.grpc, 'describe', 'inference.ModelInferRequest'), /raw_input_contents/);
  assert.match(await grpcurl(server.grpc, 'grpc.health.v1.Health/Check'), /SERVING/);
  const tensor = (name: string) => ({
    name,
    datatype: 'FP32',
    shape: [1, 4],
    contents: { fp32_contents: [1, 2, 3, 4] },
  });
  const request = JSON.stringify({ model_name: 'add_sub', inputs: [tensor('A'), tensor('B')] });
  const answer: { outputs: unknown[]; rawOutputContents: string[] } = JSON.parse(
    await grpcurl('-d', request, server.grpc, 'inference.GRPCInferenceService/ModelInfer'),
  );
  assert.equal(answer.outputs.length, 2);
  assert.equal(Buffer.from(answer.rawOutputContents[0] ?? '', 'base64').readFloatLE(4), 4);
});

test('grpc_health_probe finds the server healthy', LIMIT, async (context) => {
  if (!(await isInstalled('grpc_health_probe'))) return context.skip('grpc_health_probe is not installed');
  assert.match((await run('grpc_health_probe', [`-addr=${server.grpc}`])).stderr, /SERVING/);
});

test('bad calls get their status, and the server stays', LIMIT, async () => {
  const { ModelInferRequestSchema } = messages;
  const infer = (init: MessageInitShape<typeof ModelInferRequestSchema>): Uint8Array =>
    toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, init));
  const a = { name: 'A', datatype: 'FP32', shape: [1n, 4n] };
  const cases: readonly (readonly [string, Uint8Array, number])[] = [
    [`${SERVICE}/NoSuchMethod`, new Uint8Array(), status.UNIMPLEMENTED],
    ['/no.such.Service/Method', new Uint8Array(), status.UNIMPLEMENTED],
    [`${SERVICE}/ModelInfer`, Uint8Array.of(0xff, 0xff, 0xff), status.INTERNAL],
    [`${SERVICE}/ModelInfer`, Uint8Array.of(0x0a, 0x7f, 0x61), status.INTERNAL],
    [`${SERVICE}/ModelInfer`, infer({}), status.NOT_FOUND],
    [`${SERVICE}/ModelInfer`, infer({ modelName: 'nobody' }), status.NOT_FOUND],
    [`${SERVICE}/ModelInfer`, infer({ modelName: 'add_sub', modelVersion: 'new' }), status.INVALID_ARGUMENT],
    [`${SERVICE}/ModelInfer`, infer({ modelName: 'add_sub' }), status.INVALID_ARGUMENT],
    [`${SERVICE}/ModelInfer`, infer({ modelName: 'add_sub', inputs: [a] }), status.INVALID_ARGUMENT],
    [
      `${SERVICE}/ModelInfer`,
      infer({ modelName: 'add_sub', inputs: [a], rawInputContents: [new Uint8Array(3)] }),
      status.INVALID_ARGUMENT,
    ],
    [
      `${SERVICE}/ModelInfer`,
      infer({ modelName: 'add_sub', inputs: [{ ...a, shape: [-1n, 4n] }] }),
      status.INVALID_ARGUMENT,
    ],
    [
      `${SERVICE}/ModelInfer`,
      infer({
        modelName: 'add_sub',
        inputs: [{ ...a, shape: [1n << 62n, 4n] }],
        rawInputContents: [new Uint8Array(16)],
      }),
      status.INVALID_ARGUMENT,
    ],
  ];
  for (const [path, request, expected] of cases) {
    await assert.rejects(call(path, request), (error: ServiceError) => {
      assert.equal(
        status[error.code],
        status[expected],
        `${path} ${Buffer.from(request).toString('hex')}: ${error.message}`,
      );
      return true;
    });
  }
  await call('/grpc.health.v1.Health/Check', new Uint8Array());
});

function call(path: string, request: Uint8Array): Promise<Buffer> {
  const asIs = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asIs, asIs, Buffer.from(request), (error, answer) =>
      error === null && answer !== undefined ? resolve(answer) : reject(error ?? new Error('no answer')),
    );
  });
}

/** One message each way on a stream. */
async function exchange<D extends DescMessage>(
  path: string,
  { request, response }: { readonly request: Uint8Array; readonly response: D },
): Promise<MessageShape<D>> {
  const asIs = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeBidiStreamRequest(path, asIs, asIs);
  stream.write(Buffer.from(request));
  stream.end();
  const answers: MessageShape<D>[] = [];
  for await (const bytes of stream) answers.push(fromBinary(response, bytes));
  const [answer] = answers;
  assert.ok(answer !== undefined && answers.length === 1);
  return answer;
}

async function isInstalled(tool: string): Promise<boolean> {
  return run('sh', ['-c', `command -v ${tool}`]).then(
    () => true,
    () => false,
  );
}
