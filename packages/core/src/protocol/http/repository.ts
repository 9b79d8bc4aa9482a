import { InferenceServerError } from '@nereid/protocol';
import { isJsonObject, memberOf, toBooleanValue, toStringValue, type JsonValue } from '@nereid/protocol/http';
import type { LoadParameters } from '../../service/management-service.ts';
import type { HttpContext } from './http-services.ts';
import { readJson } from './request-body.ts';
import { jsonHandler } from './route.ts';

const FILE_PREFIX = 'file:';

/** Index, load and unload. */
export function repository(context: HttpContext): void {
  addIndex(context);
  addLoad(context);
  addUnload(context);
  const post = (): never => {
    throw new InferenceServerError('UNSUPPORTED', "'repository_name' specification is not supported");
  };
  for (const action of ['load', 'unload']) {
    const path = `/v2/repository/:repository/models/:model(^.+$)/${action}`;
    context.table.add({ path, api: 'model-repository', post });
  }
}

function addIndex(context: HttpContext): void {
  const { management, maxInputSize } = context;
  const post = jsonHandler(context, async (request, response) => {
    const ready = memberOf(await readJson(request, response, maxInputSize), 'ready');
    return management.repositoryIndex(ready !== undefined && toBooleanValue(ready, 'ready'));
  });
  // The name of a repository is not looked at, as in Triton.
  for (const path of ['/v2/repository/index', '/v2/repository/:repository/index']) {
    context.table.add({ path, api: 'model-repository', post });
  }
}

function addLoad(context: HttpContext): void {
  context.table.add({
    path: '/v2/repository/models/:model(^.+$)/load',
    api: 'model-repository',
    // The files of a model may be larger than the limit for inputs.
    post: jsonHandler(context, async (request, response) => {
      const parameters = toLoadParameters(memberOf(await readJson(request, response), 'parameters'));
      await context.management.loadModel(request.params.model ?? '', parameters);
    }),
  });
}

function addUnload(context: HttpContext): void {
  context.table.add({
    path: '/v2/repository/models/:model(^.+$)/unload',
    api: 'model-repository',
    post: jsonHandler(context, async (request, response) => {
      const body = await readJson(request, response, context.maxInputSize);
      const dependents = memberOf(memberOf(body, 'parameters'), 'unload_dependents');
      const isAll = dependents !== undefined && toBooleanValue(dependents, 'unload_dependents');
      await context.management.unloadModel(request.params.model ?? '', isAll);
    }),
  });
}

function toLoadParameters(json: JsonValue | undefined): LoadParameters {
  if (json === undefined) return {};
  if (!isJsonObject(json)) {
    throw new InferenceServerError(
      'INTERNAL',
      "Unable to parse 'parameters': attempt to get members for non-object",
    );
  }
  let config: string | undefined;
  const files = new Map<string, Uint8Array>();
  for (const [name, value] of Object.entries(json)) {
    if (name === 'config') {
      config = toStringValue(value, name);
    } else if (name.startsWith(FILE_PREFIX)) {
      files.set(name.slice(FILE_PREFIX.length), decodeFile(name, toStringValue(value, name)));
    } else {
      throw new InferenceServerError('INTERNAL', `unrecognized load parameter '${name}'.`);
    }
  }
  return { ...(config !== undefined && { config }), ...(files.size > 0 && { files }) };
}

function decodeFile(name: string, base64: string): Uint8Array {
  const bytes = Buffer.from(base64, 'base64');
  // Node passes over what is not base64: then there are fewer bytes than the text has room for.
  if (bytes.length === Buffer.byteLength(base64, 'base64')) return bytes;
  throw new InferenceServerError('INVALID_ARG', `load parameter '${name}' is not valid base64`);
}
