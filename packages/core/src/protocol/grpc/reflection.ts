/** Server reflection (`grpc.reflection.v1`, `v1alpha`): what services there are and how their messages look. */
import {
  createRegistry,
  toBinary,
  type DescFile,
  type MessageInitShape,
  type Registry,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { InferenceServerError } from '@nereid/protocol';
import { file_grpc_service, file_health, reflectionV1, reflectionV1alpha } from '@nereid/protocol/gen';
import { grpcStatusOf } from '@nereid/protocol/grpc';
import type { StreamCall } from './call.ts';
import { toGrpcStatus } from './error-handler.ts';
import type { GrpcServices } from './grpc-services.ts';
import { decodeMessage, encodeMessage, rpcName, type Rpc } from './rpc.ts';

type Answer = NonNullable<
  MessageInitShape<typeof reflectionV1.ServerReflectionResponseSchema>['messageResponse']
>;

/** What the questions are answered from. */
interface Descriptors {
  readonly services: readonly string[];
  /** By file name, in dependency order. */
  readonly files: ReadonlyMap<string, DescFile>;
  readonly registry: Registry;
}

/** Both versions of the service: their messages are the same but for the package. */
export function reflectionRpcs({ logger }: GrpcServices): readonly Rpc[] {
  let descriptors: Descriptors | undefined;

  function reflect(call: StreamCall): void {
    descriptors ??= createDescriptors();
    const { services, files, registry } = descriptors;
    call.read({
      onMessage: (bytes) => {
        try {
          call.write(answerQuestion(bytes, { services, files, registry }));
        } catch (reason) {
          call.fail(toGrpcStatus(reason, logger));
        }
      },
      onHalfClose: () => {
        call.end();
      },
    });
  }

  return [reflectionV1, reflectionV1alpha].map(({ ServerReflection }) => ({
    ...rpcName(ServerReflection.method.serverReflectionInfo),
    kind: 'bidi',
    handler: reflect,
  }));
}

function createDescriptors(): Descriptors {
  const roots = [
    file_grpc_service,
    file_health,
    reflectionV1.file_reflection,
    reflectionV1alpha.file_reflection_v1alpha,
  ];
  const files = new Map(roots.flatMap(withDependencies).map((file) => [file.proto.name, file]));
  const services = roots.flatMap((file) => file.services.map(({ typeName }) => typeName));
  return { services, files, registry: createRegistry(...files.values()) };
}

function withDependencies(file: DescFile): readonly DescFile[] {
  return [...file.dependencies.flatMap(withDependencies), file];
}

function answerQuestion(bytes: Uint8Array, descriptors: Descriptors): Buffer {
  const question = decodeMessage(reflectionV1.ServerReflectionRequestSchema, bytes);
  return encodeMessage(reflectionV1.ServerReflectionResponseSchema, {
    validHost: question.host,
    originalRequest: question,
    messageResponse: answerOf(question.messageRequest, descriptors),
  });
}

function answerOf(
  question: reflectionV1.ServerReflectionRequest['messageRequest'],
  { services, files, registry }: Descriptors,
): Answer {
  switch (question.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: services.map((name) => ({ name })) } };
    case 'fileByFilename':
      return fileAnswer(files.get(question.value), `file '${question.value}'`);
    case 'fileContainingSymbol':
      return fileAnswer(fileOfSymbol(question.value, registry), `symbol '${question.value}'`);
    case 'fileContainingExtension':
      return errorAnswer('NOT_FOUND', `no extension of '${question.value.containingType}' is known`);
    case 'allExtensionNumbersOfType':
      return {
        case: 'allExtensionNumbersResponse',
        value: { baseTypeName: question.value, extensionNumber: [] },
      };
    default:
      return errorAnswer('INVALID_ARG', 'the reflection request asks for nothing');
  }
}

/** The file that declares a type or service, or the one a method, field or enum value belongs to. */
function fileOfSymbol(symbol: string, registry: Registry): DescFile | undefined {
  const parent = symbol.slice(0, Math.max(symbol.lastIndexOf('.'), 0));
  return (registry.get(symbol) ?? registry.get(parent))?.file;
}

function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return errorAnswer('NOT_FOUND', `${asked} is not known`);
  const fileDescriptorProto = withDependencies(file).map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function errorAnswer(code: InferenceServerError['code'], errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode: grpcStatusOf(code), errorMessage } };
}
