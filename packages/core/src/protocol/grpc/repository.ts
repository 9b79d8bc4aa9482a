import { InferenceServerError } from '@nereid/protocol';
import { GRPCInferenceService, type ModelRepositoryParameter } from '@nereid/protocol/gen';
import type { LoadParameters } from '../../service/management-service.ts';
import type { GrpcServices } from './grpc-services.ts';
import { messageFromJson } from './message-from-json.ts';
import { unaryRpc, type Rpc } from './rpc.ts';

type RepositoryParameters = Readonly<Record<string, ModelRepositoryParameter>>;

const FILE_PREFIX = 'file:';

/** RepositoryIndex, RepositoryModelLoad and RepositoryModelUnload. */
export function repositoryRpcs(services: GrpcServices): readonly Rpc[] {
  const { management } = services;
  const { repositoryIndex, repositoryModelLoad, repositoryModelUnload } = GRPCInferenceService.method;
  return [
    unaryRpc(services, repositoryIndex, async ({ repositoryName, ready }) => {
      assertNoRepositoryName(repositoryName);
      return messageFromJson(repositoryIndex.output, { models: await management.repositoryIndex(ready) });
    }),
    unaryRpc(services, repositoryModelLoad, async ({ repositoryName, modelName, parameters }) => {
      assertNoRepositoryName(repositoryName);
      await management.loadModel(modelName, toLoadParameters(parameters));
      return {};
    }),
    unaryRpc(services, repositoryModelUnload, async ({ repositoryName, modelName, parameters }) => {
      assertNoRepositoryName(repositoryName);
      await management.unloadModel(modelName, toUnloadDependents(parameters));
      return {};
    }),
  ];
}

function assertNoRepositoryName(name: string): void {
  if (name !== '') {
    throw new InferenceServerError('UNSUPPORTED', "'repository_name' specification is not supported");
  }
}

function toLoadParameters(parameters: RepositoryParameters): LoadParameters {
  let config: string | undefined;
  const files = new Map<string, Uint8Array>();
  for (const [key, { parameterChoice }] of Object.entries(parameters)) {
    if (key === 'config') {
      if (parameterChoice.case !== 'stringParam') throw wrongKind('load', key, 'string_param');
      config = parameterChoice.value;
    } else if (key.startsWith(FILE_PREFIX)) {
      if (parameterChoice.case !== 'bytesParam') throw wrongKind('load', key, 'bytes_param');
      files.set(key.slice(FILE_PREFIX.length), parameterChoice.value);
    } else {
      throw new InferenceServerError('INVALID_ARG', `unrecognized load parameter '${key}'.`);
    }
  }
  return { ...(config !== undefined && { config }), ...(files.size > 0 && { files }) };
}

function toUnloadDependents(parameters: RepositoryParameters): boolean {
  const choice = parameters['unload_dependents']?.parameterChoice;
  if (choice === undefined) return false;
  if (choice.case !== 'boolParam') throw wrongKind('unload', 'unload_dependents', 'bool_param');
  return choice.value;
}

function wrongKind(operation: string, key: string, expected: string): InferenceServerError {
  const message = `invalid value type for ${operation} parameter '${key}', expected ${expected}.`;
  return new InferenceServerError('INVALID_ARG', message);
}
