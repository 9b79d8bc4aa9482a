import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBytesTensor, InferenceServerError, type Tensor } from '@nereid/protocol';
import type { HttpPlugin, HttpPluginContext, PluginRoute } from '@nereid/backend-sdk/http';
import { errorResponse } from '../../response/inference-response.ts';
import type { HttpOptions, HttpServer } from './http-server.ts';
import {
  createServer,
  responseOf,
  scripted,
  servedModel,
  startServer,
  type FakeServices,
} from './testing/fake-services.ts';

const MODEL = servedModel({ decoupled: true });
const WORD: Tensor = { name: 'text', datatype: 'BYTES', shape: [1], data: encodeBytesTensor(['hi']) };

/** Tells errors in a form of its own. */
const sendError: PluginRoute['sendError'] = (response, { message }, status) => {
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`own: ${message}`);
};

type Routes = (context: HttpPluginContext) => readonly Omit<PluginRoute, 'api' | 'sendError'>[];

/** A plugin with these paths, of the group `inference`. */
function pluginWith(routes: Routes): HttpPlugin {
  return {
    name: 'own',
    register: (app, context) => {
      for (const route of routes(context)) context.route(app, { api: 'inference', sendError, ...route });
    },
  };
}

async function serve(
  routes: Routes,
  fakes: FakeServices = {},
  options: Partial<HttpOptions> = {},
): Promise<HttpServer> {
  const server = createServer(fakes, options, [{ plugin: pluginWith(routes), settings: { greeting: 'hi' } }]);
  await server.prepare();
  return server;
}

test('a plugin answers at its paths, with its settings and what stands in the path', async () => {
  const server = await serve(({ settings }) => [
    {
      path: '/own/:id',
      get: ({ params }, response) => void response.end(`${settings['greeting'] ?? ''} ${params['id'] ?? ''}`),
    },
  ]);
  assert.equal((await server.inject('/own/a%20b')).payload, 'hi a b');
});

test('what a handler throws is told in its own form, with its status and when to come again', async () => {
  const http = { status: 429, retryAfterSeconds: 7 };
  const server = await serve(() => [
    {
      path: '/own',
      get: () => Promise.reject(new InferenceServerError('UNAVAILABLE', 'full', { http })),
    },
  ]);
  const { statusCode, headers, payload } = await server.inject('/own');
  assert.deepEqual([statusCode, headers['retry-after'], payload], [429, '7', 'own: full']);
});

test('an error that is none of ours goes to the log, too', async () => {
  const lines: string[] = [];
  const server = await serve(
    () => [
      {
        path: '/own',
        get: () => {
          throw new TypeError('x is undefined');
        },
      },
    ],
    { logger: { error: (message) => void lines.push(message) } },
  );
  const { statusCode, payload } = await server.inject('/own');
  assert.deepEqual([statusCode, payload], [500, 'own: x is undefined']);
  assert.deepEqual(lines, ['unexpected error in an HTTP plugin: x is undefined']);
});

test('another method, and a missing key, are told in its own form', async () => {
  const restrictions = [{ groups: ['inference'], header: 'key', value: '1' }];
  const server = await serve(() => [{ path: '/own/*', post: () => {} }], {}, { restrictions });
  const missing = await server.inject({ method: 'POST', url: '/own/x' });
  assert.deepEqual(
    [missing.statusCode, missing.payload],
    [401, "own: This API is restricted, expecting header 'key'"],
  );
  const method = await server.inject({ method: 'PUT', url: '/own/x', headers: { key: '1' } });
  assert.deepEqual([method.statusCode, method.payload], [405, 'own: Method Not Allowed']);
});

test('a body is read whole, up to the limit', async () => {
  const routes: Routes = (context) => [
    {
      path: '/own',
      post: async (request, response) =>
        void response.end(String(await context.readBody(request, response)).toUpperCase()),
    },
  ];
  const server = await serve(routes, {}, { maxInputSize: 3 });
  assert.equal((await server.inject({ method: 'POST', url: '/own', payload: 'abc' })).payload, 'ABC');
  const long = await server.inject({ method: 'POST', url: '/own', payload: 'abcd' });
  assert.equal(long.statusCode, 400);
  assert.match(long.payload, /^own: request JSON size of 4 bytes exceeds/);
});

test('a body may be read after something else was waited for', async (t) => {
  const plugin = pluginWith((context) => [
    {
      path: '/own',
      post: async (request, response) => {
        await new Promise((resolve) => setImmediate(resolve));
        response.end(await context.readBody(request, response));
      },
    },
  ]);
  const { server, url } = await startServer(t, {}, {}, [{ plugin, settings: {} }]);
  await server.prepare();
  for (const body of ['small', 'x'.repeat(1_000_000)]) {
    const signal = AbortSignal.timeout(20_000);
    const answer = await fetch(`${url}/own`, { method: 'POST', body, signal });
    assert.ok((await answer.text()) === body, `${String(body.length)} bytes`);
  }
});

/** Runs one inference on each request, and answers with what it came to. */
const INFER: Routes = (context) => [
  {
    path: '/own',
    get: ({ raw }, response) => {
      const model = context.getModel('m');
      const seen: unknown[] = [];
      const inference = {
        model,
        inputs: [WORD],
        outputs: ['text'],
        id: 'r',
        parameters: { openai_path: '/x' },
      };
      context.infer(inference, raw, response, (answer, final) => {
        seen.push(answer?.error?.message ?? answer?.outputs.map(({ name }) => name) ?? null);
        if (final) response.end(JSON.stringify(seen));
      });
    },
  },
];

test('what a handler of responses throws is logged as its own, and cuts off its client alone', async () => {
  const lines: string[] = [];
  const thrower: Routes = (context) => [
    {
      path: '/own',
      get: ({ raw }, response) => {
        const inference = { model: context.getModel('m'), inputs: [WORD] };
        context.infer(inference, raw, response, () => {
          throw new TypeError('x is undefined');
        });
      },
    },
  ];
  const inference = scripted(MODEL, [responseOf(WORD), responseOf(WORD), undefined]);
  const fakes: FakeServices = { inference, logger: { error: (message) => void lines.push(message) } };
  const server = await serve(thrower, fakes);
  await assert.rejects(server.inject('/own'));
  assert.deepEqual(lines, ['unexpected error in an HTTP plugin: x is undefined']);
});

test('an inference has its inputs, outputs and parameters, and its responses come as they are made', async () => {
  const inference = scripted(MODEL, [responseOf(WORD), responseOf(WORD), undefined]);
  const server = await serve(INFER, { inference });
  assert.equal((await server.inject('/own')).payload, '[["text"],["text"],null]');
  const [message] = inference.messages;
  assert.deepEqual(
    [message?.id, message?.inputs, message?.parameters, message?.outputs.map(({ name }) => name)],
    ['r', [WORD], { openai_path: '/x' }, ['text']],
  );
});

test('headers that are forwarded become parameters', async () => {
  const inference = scripted(MODEL, [undefined]);
  const server = await serve(INFER, { inference }, { headerForwardPattern: /^x-/ });
  await server.inject({ url: '/own', headers: { 'x-user': 'me' } });
  assert.deepEqual(inference.messages[0]?.parameters, { openai_path: '/x', 'x-user': 'me' });
});

test('a refusal is the only, final response', async () => {
  const refused = new InferenceServerError('INVALID_ARG', 'bad input');
  const thrown = await serve(INFER, {
    inference: {
      getModel: () => MODEL,
      infer: () => {
        throw refused;
      },
    },
  });
  assert.equal((await thrown.inject('/own')).payload, '["bad input"]');
  const later = await serve(INFER, {
    inference: scripted(MODEL, [{ ...errorResponse(refused), isRefused: true }]),
  });
  assert.equal((await later.inject('/own')).payload, '["bad input"]');
});

test('an inference is cancelled when its client goes', async (t) => {
  const inference = scripted(MODEL, [responseOf(WORD)], { keepOpen: true });
  const plugin = pluginWith((context) => [
    {
      path: '/own',
      get: ({ raw }, response) => {
        const wanted = { model: context.getModel('m'), inputs: [WORD] };
        context.infer(wanted, raw, response, () => void response.write('x'));
      },
    },
  ]);
  const { url } = await startServer(t, { inference }, {}, [{ plugin, settings: {} }]);
  const controller = new AbortController();
  const answer = await fetch(`${url}/own`, { signal: controller.signal });
  assert.equal(answer.status, 200);
  controller.abort();
  await inference.cancelled;
});

test('the ready models are listed by name', async () => {
  const server = await serve(
    (context) => [
      {
        path: '/own',
        get: async (_, response) => {
          const models = await context.readyModels();
          response.end(JSON.stringify(models.map(({ name, version }) => `${name} ${version}`)));
        },
      },
    ],
    {
      inference: { getModel: (name) => servedModel({ name, version: '3' }) },
      management: {
        repositoryIndex: () =>
          Promise.resolve([
            { name: 'b', version: '2', state: 'READY' as const },
            { name: 'b', version: '3', state: 'READY' as const },
            { name: 'a', version: '1', state: 'READY' as const },
          ]),
      },
    },
  );
  assert.equal((await server.inject('/own')).payload, '["a 3","b 3"]');
});

test('a plugin that fails to register is named, and the others are served', async () => {
  const plugin: HttpPlugin = {
    name: 'own',
    register: () => {
      throw new InferenceServerError('INVALID_ARG', 'no such path');
    },
  };
  const fine = pluginWith(() => [{ path: '/fine', get: (_, response) => void response.end('well') }]);
  const server = createServer({}, {}, [
    { plugin, settings: {} },
    { plugin: fine, settings: {} },
  ]);
  await assert.rejects(server.prepare(), {
    code: 'INVALID_ARG',
    message: "HTTP plugin 'own': no such path",
  });
  assert.equal((await server.inject('/fine')).payload, 'well');
});
