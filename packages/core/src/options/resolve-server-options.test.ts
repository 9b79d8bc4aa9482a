import assert from 'node:assert/strict';
import test from 'node:test';
import { parseCommandLine } from './command-line.ts';
import type { ServerOptions } from './option-table.ts';
import { resolveServerOptions, type ResolvedServerOptions } from './resolve-server-options.ts';

function resolve(options: Partial<ServerOptions>): ResolvedServerOptions {
  return resolveServerOptions({ modelRepository: ['models'], ...options }, {});
}

function resolveFlags(...flags: readonly string[]): ResolvedServerOptions {
  return resolveServerOptions(parseCommandLine(['--model-repository=models', ...flags], {}).options, {});
}

function rejects(options: Partial<ServerOptions>, message: string | RegExp): void {
  assert.throws(() => resolve(options), { code: 'INVALID_ARG', message });
}

test('the defaults are those of Triton', () => {
  const options = resolve({});
  assert.deepEqual(options, {
    id: 'triton',
    exitTimeoutSecs: 30,
    frontThreads: 0,
    exitOnError: true,
    strictReadiness: true,
    modelRepository: ['models'],
    modelNamespacing: false,
    modelControlMode: 'none',
    repositoryPollSecs: 15,
    loadModels: [],
    modelLoadThreadCount: 4,
    modelLoadRetryCount: 0,
    disableAutoCompleteConfig: false,
    modelConfigName: '',
    backendDirectories: [],
    repoagentDirectory: undefined,
    backendSettings: {},
    httpPluginSettings: {},
    requireBackends: false,
    executorThreads: 0,
    cudaVisibleDevices: undefined,
    allowClientSharedMemory: false,
    cache: undefined,
    rateLimitResources: undefined,
    http: {
      address: '0.0.0.0',
      port: 8000,
      reusePort: false,
      maxInputSize: 67108864,
      streamTimeoutMs: 60000,
      restrictions: [],
    },
    grpc: {
      address: '0.0.0.0',
      port: 8001,
      reusePort: false,
      transport: 'http2',
      compressionLevel: 0,
      keepalive: {
        time: 7200000,
        timeout: 20000,
        permitWithoutCalls: false,
        minReceivedPingInterval: 300000,
        maxPingStrikes: 2,
      },
      streamTimeoutMs: 60000,
      restrictions: [],
    },
    metricsServer: { address: '0.0.0.0', port: 8002, reusePort: false },
    metrics: {
      counterLatencies: true,
      histogramLatencies: false,
      summaryLatencies: false,
      summaryQuantiles: [
        { quantile: 0.5, error: 0.05 },
        { quantile: 0.9, error: 0.01 },
        { quantile: 0.95, error: 0.001 },
        { quantile: 0.99, error: 0.001 },
        { quantile: 0.999, error: 0.001 },
      ],
      cpuMetrics: true,
      intervalMs: 2000,
    },
    logging: {
      file: '',
      info: true,
      warning: true,
      error: true,
      verboseLevel: 0,
      format: 'default',
      escapeMessages: true,
    },
    tracing: {
      levels: ['OFF'],
      rate: 1000,
      count: -1,
      logFrequency: 0,
      file: '',
      openTelemetry: undefined,
      unused: [],
    },
  });
});

test('the result is frozen, what was given is not', () => {
  const modelRepository = ['models'];
  const options = resolveServerOptions({ modelRepository }, {});
  assert.ok(Object.isFrozen(options.http) && Object.isFrozen(options.modelRepository));
  assert.ok(!Object.isFrozen(modelRepository));
});

test('options from a program are checked as flags are', () => {
  rejects({ httpPort: 0.5 }, "option --http-port: expected an integer from 0 to 65535, found '0.5'");
  rejects({ modelRepository: [] }, 'option --model-repository must be given at least once');
  const misspelt: object = { modelRepository: ['m'], htpPort: 1 };
  assert.throws(() => resolveServerOptions({ modelRepository: ['m'], ...misspelt }, {}), {
    message: "unknown option 'htpPort'; did you mean httpPort?",
  });
});

test('protocols that are off have no options', () => {
  const { http, grpc, metricsServer } = resolve({ allowHttp: false, allowGrpc: false, allowMetrics: false });
  assert.deepEqual([http, grpc, metricsServer], [undefined, undefined, undefined]);
});

test('metrics listen where HTTP does unless told otherwise', () => {
  assert.equal(resolve({ httpAddress: '127.0.0.1' }).metricsServer?.address, '127.0.0.1');
  assert.equal(resolve({ httpAddress: '127.0.0.1', metricsAddress: '::1' }).metricsServer?.address, '::1');
});

test('two services cannot share a port of one address', () => {
  rejects({ httpPort: 8001 }, 'options --http-port and --grpc-port are both 8001 at 0.0.0.0');
  rejects({ metricsPort: 8000 }, 'options --http-port and --metrics-port are both 8000 at 0.0.0.0');
  resolve({ httpPort: 0, grpcPort: 0, metricsPort: 0 });
  resolve({ httpPort: 8001, grpcAddress: '127.0.0.1' });
  resolve({ httpPort: 8001, allowGrpc: false });
});

test('ports keep to the safe range of SageMaker', () => {
  rejects(
    { sagemakerSafePortRange: '8000-8001' },
    'option --metrics-port: expected a port of --sagemaker-safe-port-range 8000-8001, found 8002',
  );
});

test('models to load need explicit mode, and * stands alone', () => {
  assert.deepEqual(resolve({ modelControlMode: 'explicit', loadModel: ['a', 'b', 'a'] }).loadModels, [
    'a',
    'b',
  ]);
  assert.deepEqual(resolve({ modelControlMode: 'explicit', loadModel: ['*'] }).loadModels, ['*']);
  rejects({ loadModel: ['a'] }, 'option --load-model needs --model-control-mode=explicit, found none');
  rejects(
    { modelControlMode: 'explicit', loadModel: ['a', '*'] },
    'option --load-model=* must stand alone, found also a',
  );
});

test('restrictions name known groups, each once', () => {
  const { http, grpc } = resolveFlags(
    '--http-restricted-api=trace:k=v',
    '--grpc-restricted-protocol=inference:infer-key=x',
  );
  assert.deepEqual(http?.restrictions, [{ groups: ['trace'], header: 'k', value: 'v' }]);
  assert.deepEqual(grpc?.restrictions, [{ groups: ['inference'], key: 'infer-key', value: 'x' }]);
  const restriction = { groups: ['trace'], header: 'k', value: 'v' };
  rejects(
    { httpRestrictedApi: [restriction, restriction] },
    "option --http-restricted-api: group 'trace' is restricted twice",
  );
  rejects(
    { grpcRestrictedProtocol: [{ ...restriction, groups: ['infernce'] }] },
    /--grpc-restricted-protocol: expected groups of health, .*, found 'infernce'; did you mean 'inference'\?/,
  );
});

test('header patterns are regular expressions that look past case', () => {
  const pattern = resolve({ httpHeaderForwardPattern: '(my-header|X-.*)' }).http?.headerForwardPattern;
  assert.equal(pattern?.test('MY-HEADER'), true);
  rejects(
    { grpcHeaderForwardPattern: '(' },
    "option --grpc-header-forward-pattern: expected a regular expression, found '('",
  );
});

test('TLS needs a certificate and a key', () => {
  const files = { grpcServerCert: 'c.pem', grpcServerKey: 'k.pem' };
  assert.deepEqual(resolve({ ...files, grpcUseSsl: true }).grpc?.ssl, {
    serverCert: 'c.pem',
    serverKey: 'k.pem',
    mutual: false,
  });
  assert.equal(resolve({ ...files, grpcUseSslMutual: true }).grpc?.ssl?.mutual, true);
  assert.equal(resolve(files).grpc?.ssl, undefined);
  rejects(
    { grpcUseSsl: true, grpcServerCert: 'c.pem' },
    'option --grpc-server-key must be given with --grpc-use-ssl',
  );
});

test('metrics settings are read', () => {
  const { metrics } = resolveFlags(
    '--metrics-config=counter_latencies=false',
    '--metrics-config=summary_latencies=true',
    '--metrics-config=summary_quantiles=0.5:0.05,0.9:0.01',
  );
  assert.deepEqual(
    [metrics.counterLatencies, metrics.summaryLatencies, metrics.summaryQuantiles],
    [
      false,
      true,
      [
        { quantile: 0.5, error: 0.05 },
        { quantile: 0.9, error: 0.01 },
      ],
    ],
  );
  rejects(
    { metricsConfig: { counter_latency: 'true' } },
    /found 'counter_latency'; did you mean 'counter_latencies'\?/,
  );
  rejects(
    { metricsConfig: { summary_latencies: 'yes' } },
    /expected summary_latencies=true or .*=false, found 'yes'/,
  );
  rejects({ metricsConfig: { summary_quantiles: '1.5:0.1' } }, /found '1.5:0.1'/);
});

test('settings of the tracing mode that is not chosen are named as unused', () => {
  const unused = (...flags: string[]) => resolveFlags(...flags).tracing.unused;
  assert.deepEqual(
    unused('--trace-config=opentelemetry,url=localhost:4318', '--trace-config=triton,file=t'),
    ['opentelemetry,url'],
  );
  assert.deepEqual(unused('--trace-config=mode=opentelemetry', '--trace-config=triton,file=t'), [
    'triton,file',
  ]);
});

test('trace settings are read', () => {
  const { tracing } = resolveFlags(
    '--trace-config=triton,file=traces',
    '--trace-config=triton,log-frequency=1',
    '--trace-config=level=TIMESTAMPS',
    '--trace-config=level=TENSORS',
    '--trace-config=rate=1',
    '--trace-config=count=5',
    '--trace-config=mode=triton',
  );
  assert.deepEqual(tracing, {
    levels: ['TIMESTAMPS', 'TENSORS'],
    rate: 1,
    count: 5,
    logFrequency: 1,
    file: 'traces',
    openTelemetry: undefined,
    unused: [],
  });
  assert.deepEqual(resolve({ traceConfig: { '': { level: 'TIMESTAMPS,OFF' } } }).tracing.levels, ['OFF']);
  rejects(
    { traceConfig: { '': { level: 'ALL' } } },
    /expected level OFF, TIMESTAMPS or TENSORS, found 'ALL'/,
  );
  rejects({ traceConfig: { '': { count: '-2' } } }, /expected count as an integer from -1 on, found '-2'/);
  rejects({ traceConfig: { triton: { fil: 'x' } } }, /found 'fil'; did you mean 'file'\?/);
  rejects({ traceConfig: { jaeger: { url: 'x' } } }, /expected mode triton or opentelemetry, found 'jaeger'/);
});

test('the settings of OpenTelemetry are read', () => {
  const { tracing } = resolveFlags(
    '--trace-config=mode=opentelemetry',
    '--trace-config=rate=0',
    '--trace-config=opentelemetry,url=localhost:4318/v1/traces',
    '--trace-config=opentelemetry,resource=service.name=detector',
    '--trace-config=opentelemetry,resource=zone=a',
    '--trace-config=opentelemetry,bsp_schedule_delay=100',
  );
  assert.deepEqual(tracing.openTelemetry, {
    url: 'http://localhost:4318/v1/traces',
    resource: { 'service.name': 'detector', zone: 'a' },
    maxQueueSize: 2048,
    scheduleDelayMs: 100,
    maxExportBatchSize: 512,
  });
  assert.equal(tracing.rate, 0);
  rejects(
    { traceConfig: { opentelemetry: { bsp_max_queue_size: '10' }, '': { mode: 'opentelemetry' } } },
    /expected bsp_max_export_batch_size of at most bsp_max_queue_size \(10\), found '512'/,
  );
  rejects(
    { traceConfig: { opentelemetry: { resource: 'x' }, '': { mode: 'opentelemetry' } } },
    /expected resource=<name>=<value>, found 'x'/,
  );
  rejects({ traceConfig: { opentelemetry: { uri: 'x' } } }, /found 'uri'; did you mean 'url'\?/);
});

test('the environment has a say where no setting of OpenTelemetry does', () => {
  const environment = { OTEL_BSP_MAX_QUEUE_SIZE: '700', OTEL_BSP_SCHEDULE_DELAY: '9' };
  const traceConfig = { '': { mode: 'opentelemetry' }, opentelemetry: { bsp_schedule_delay: '7' } };
  const { tracing } = resolveServerOptions({ modelRepository: ['models'], traceConfig }, environment);
  assert.equal(tracing.openTelemetry?.maxQueueSize, 700);
  assert.equal(tracing.openTelemetry?.scheduleDelayMs, 7);
});

test('the environment turns the escaping of log messages off', () => {
  const { logging } = resolveServerOptions(
    { modelRepository: ['m'] },
    { TRITON_SERVER_ESCAPE_LOG_MESSAGES: '0' },
  );
  assert.equal(logging.escapeMessages, false);
});

test('fronts are refused where threads have no port in common', () => {
  const options = { modelRepository: ['models'], frontThreads: 2 };
  assert.equal(resolveServerOptions(options, {}, 'linux').frontThreads, 2);
  assert.equal(resolveServerOptions({ ...options, frontThreads: 0 }, {}, 'darwin').frontThreads, 0);
  assert.throws(() => resolveServerOptions(options, {}, 'darwin'), {
    code: 'INVALID_ARG',
    message: 'option --front-threads: darwin has no ports that threads can share: expected 0, found 2',
  });
});
