/** Listening and closing, restrictions, health and reflection. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, status, type StatusObject } from '@grpc/grpc-js';
import { InferenceServerError } from '@nereid/protocol';
import {
  GRPCInferenceService,
  Health,
  HealthCheckResponse_ServingStatus,
  reflectionV1,
} from '@nereid/protocol/gen';
import { createGrpcServer } from './grpc-server.ts';
import { decodeMessage, encodeMessage } from './rpc.ts';
import {
  callRaw,
  callRpc,
  fakeServices,
  inferRequest,
  metadataOf,
  responseOf,
  servedModel,
  startServer,
  TEST_OPTIONS,
} from './testing/fake-services.ts';

const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;
const rpcs = GRPCInferenceService.method;
const same = (bytes: Buffer): Buffer => bytes;

test('health of the server and of models', async (t) => {
  const { client } = await startServer(t, {
    health: { live: () => true, ready: () => false, modelReady: (name) => Promise.resolve(name === 'm') },
  });
  assert.equal((await callRpc(client, rpcs.serverLive, {})).live, true);
  assert.equal((await callRpc(client, rpcs.serverReady, {})).ready, false);
  assert.equal((await callRpc(client, rpcs.modelReady, { name: 'm' })).ready, true);
  assert.equal((await callRpc(client, rpcs.modelReady, { name: 'n' })).ready, false);
});

test('the standard health service answers for the server, whatever service is asked for', async (t) => {
  let ready = (): boolean => true;
  const { client } = await startServer(t, { health: { ready: () => ready() } });
  assert.equal((await callRpc(client, Health.method.check, { service: 'any' })).status, SERVING);
  ready = () => false;
  assert.equal((await callRpc(client, Health.method.check, {})).status, NOT_SERVING);
  ready = () => {
    throw new InferenceServerError('UNAVAILABLE', 'Server exiting');
  };
  assert.equal((await callRpc(client, Health.method.check, {})).status, NOT_SERVING);
});

test('Watch sends the status at once and when it changes, until the server closes', async (t) => {
  let ready = true;
  const { client, server } = await startServer(t, { health: { ready: () => ready } }, { watchInterval: 1 });
  const call = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', same, same, Buffer.alloc(0));
  const statuses: number[] = [];
  const ended = Promise.withResolvers<StatusObject>();
  call.on('error', () => undefined);
  call.on('status', ended.resolve);
  const nextStatus = async (): Promise<number> => {
    const [bytes] = (await once(call, 'data')) as [Buffer];
    return decodeMessage(Health.method.check.output, bytes).status;
  };
  statuses.push(await nextStatus());
  ready = false;
  statuses.push(await nextStatus());
  assert.deepEqual(statuses, [SERVING, NOT_SERVING]);
  await server.close(10_000);
  assert.equal((await ended.promise).code, status.UNAVAILABLE);
});

test('restricted groups want their key, unary and streamed; others are free', async (t) => {
  const restrictions = [
    { groups: ['inference'], key: 'infer-key', value: 'let-me' },
    { groups: ['model-repository', 'statistics'], key: 'admin-key', value: 'secret' },
  ];
  const { client } = await startServer(
    t,
    {
      health: { live: () => true },
      management: { repositoryIndex: () => Promise.resolve([]) },
      inference: {
        getModel: () => servedModel(),
        infer: (_model, _message, handler) => {
          handler(responseOf(1), true);
          return { cancel: () => undefined };
        },
      },
    },
    { restrictions },
  );
  assert.equal((await callRpc(client, rpcs.serverLive, {})).live, true);
  const refused = {
    code: status.UNAVAILABLE,
    details: "This protocol is restricted, expecting header 'triton-grpc-protocol-admin-key'",
  };
  const header = 'triton-grpc-protocol-admin-key';
  await assert.rejects(callRpc(client, rpcs.repositoryIndex, {}), refused);
  await assert.rejects(
    callRpc(client, rpcs.repositoryIndex, {}, metadataOf({ 'admin-key': 'secret' })),
    refused,
  );
  await assert.rejects(callRpc(client, rpcs.repositoryIndex, {}, metadataOf({ [header]: 'other' })), refused);
  await callRpc(client, rpcs.repositoryIndex, {}, metadataOf({ [header]: 'secret' }));

  const stream = async (key: string): Promise<number> => {
    const metadata = metadataOf({ 'triton-grpc-protocol-infer-key': key });
    const path = '/inference.GRPCInferenceService/ModelStreamInfer';
    const call = client.makeBidiStreamRequest(path, same, same, metadata);
    const ended = Promise.withResolvers<StatusObject>();
    call.on('error', () => undefined);
    call.on('status', ended.resolve);
    call.resume();
    call.end(inferRequest());
    return (await ended.promise).code;
  };
  assert.equal(await stream('let-me'), status.OK);
  assert.equal(await stream('no'), status.UNAVAILABLE);
});

type Question = reflectionV1.ServerReflectionRequest['messageRequest'];

async function reflect(client: Client, version: string, question: Question) {
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const call = client.makeBidiStreamRequest(path, same, same);
  call.end(encodeMessage(reflectionV1.ServerReflectionRequestSchema, { messageRequest: question }));
  const [bytes] = (await once(call, 'data')) as [Buffer];
  await once(call, 'end');
  return decodeMessage(reflectionV1.ServerReflectionResponseSchema, bytes).messageResponse;
}

test('reflection lists the services and gives the files of symbols with what they import', async (t) => {
  const { client } = await startServer(t, {});
  for (const version of ['v1', 'v1alpha']) {
    const list = await reflect(client, version, { case: 'listServices', value: '' });
    assert.equal(list.case, 'listServicesResponse');
    assert.deepEqual(
      list.value.service.map(({ name }) => name),
      [
        'inference.GRPCInferenceService',
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
      ],
    );
    for (const symbol of [
      'inference.GRPCInferenceService',
      'inference.GRPCInferenceService.ModelInfer',
      'inference.InferParameter',
    ]) {
      const files = await reflect(client, version, { case: 'fileContainingSymbol', value: symbol });
      assert.equal(files.case, 'fileDescriptorResponse');
      assert.deepEqual(
        files.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name),
        ['model_config.proto', 'grpc_service.proto'],
      );
    }
    const file = await reflect(client, version, { case: 'fileByFilename', value: 'health.proto' });
    assert.equal(file.case, 'fileDescriptorResponse');
    const unknown = await reflect(client, version, { case: 'fileContainingSymbol', value: 'no.Such' });
    assert.equal(unknown.case, 'errorResponse');
    assert.equal(unknown.value.errorCode, status.NOT_FOUND);
  }
});

test('a port that is taken is a clear error', async (t) => {
  const { port } = await startServer(t, {});
  const second = await createGrpcServer(fakeServices({}), { ...TEST_OPTIONS, port });
  await assert.rejects(second.listen(), {
    code: 'UNAVAILABLE',
    message: new RegExp(`^cannot listen for gRPC on 127\\.0\\.0\\.1:${String(port)}: .*EADDRINUSE`),
  });
});

test(
  'two servers can share a port',
  { skip: process.platform !== 'linux' && 'needs SO_REUSEPORT' },
  async (t) => {
    const { port } = await startServer(t, {}, { reusePort: true });
    const second = await startServer(t, {}, { reusePort: true, port });
    assert.equal(second.port, port);
  },
);

test('close lets a running call end, and cuts it off after the grace period', async (t) => {
  const running = Promise.withResolvers<() => void>();
  const stuck = Promise.withResolvers<undefined>();
  const { client, server } = await startServer(t, {
    inference: {
      getModel: () => servedModel(),
      infer: (_model, message, handler) => {
        if (message.id !== 'stuck') {
          running.resolve(() => {
            handler(responseOf(1), true);
          });
        } else {
          stuck.resolve(undefined);
        }
        return { cancel: () => undefined };
      },
    },
  });
  const path = '/inference.GRPCInferenceService/ModelInfer';
  const good = callRaw(client, path, inferRequest());
  const cutOff = assert.rejects(callRaw(client, path, inferRequest({ id: 'stuck' })));
  const finish = await running.promise;
  await stuck.promise;
  const closed = server.close(100);
  finish();
  assert.ok((await good).length > 0);
  await closed;
  await cutOff;
});

test('clients may send megabytes ahead', async (t) => {
  const { port } = await startServer(t, {});
  const session = http2.connect(`http://127.0.0.1:${String(port)}`);
  t.after(() => {
    session.destroy();
  });
  while ((session.remoteSettings.initialWindowSize ?? 0) < 2 ** 20) await once(session, 'remoteSettings');
  assert.equal(session.remoteSettings.initialWindowSize, 4 * 2 ** 20);
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

test('TLS, with and without certificates of clients', { skip: !hasOpenssl && 'needs openssl' }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'grpc-tls-'));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const [serverKey, serverCert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const outputs = ['-keyout', serverKey, '-out', serverCert, '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, ...outputs], { stdio: 'ignore' });
  const [key, cert] = [readFileSync(serverKey), readFileSync(serverCert)];

  const isLive = async (mutual: boolean, clientKey: Buffer | null): Promise<boolean> => {
    const ssl = { serverCert, serverKey, rootCert: serverCert, mutual };
    const { port } = await startServer(t, { health: { live: () => true } }, { ssl });
    const channel = credentials.createSsl(cert, clientKey, clientKey && cert);
    const secure = new Client(`localhost:${String(port)}`, channel);
    t.after(() => {
      secure.close();
    });
    return (await callRpc(secure, rpcs.serverLive, {})).live;
  };
  assert.equal(await isLive(false, null), true);
  assert.equal(await isLive(true, key), true);
  await assert.rejects(isLive(true, null), { code: status.UNAVAILABLE });
});

test('files of the TLS settings that cannot be read or used are named with their options', async () => {
  const ssl = { serverCert: '/no/such.pem', serverKey: '/no/such.key', mutual: false };
  await assert.rejects(createGrpcServer(fakeServices({}), { ...TEST_OPTIONS, ssl }), {
    code: 'INVALID_ARG',
    message: /^--grpc-server-cert: cannot read '\/no\/such\.pem': /,
  });
  const noPem = { ...ssl, serverCert: import.meta.filename, serverKey: import.meta.filename };
  await assert.rejects(createGrpcServer(fakeServices({}), { ...TEST_OPTIONS, ssl: noPem }), {
    code: 'INVALID_ARG',
    message: /^cannot use --grpc-server-cert '.*' with --grpc-server-key '.*': .*no start line/,
  });
});
