/** Options of the protocols, of metrics and of tracing. */
import {
  boolean,
  choice,
  integer,
  notYet,
  portRange,
  restrictions,
  scopedSettings,
  settings,
  text,
} from './option-spec.ts';

const PORT = { least: 0, most: 65535 };
const MILLISECONDS = 'Milliseconds';

export const HTTP_OPTIONS = {
  allowHttp: boolean(true, 'Whether HTTP is served.'),
  httpAddress: text('0.0.0.0', 'Address that HTTP listens at.'),
  httpPort: integer(8000, 'Port of HTTP; 0: any free one.', PORT),
  reuseHttpPort: boolean(false, 'Whether several servers may listen at the HTTP port.'),
  httpMaxInputSize: integer(67108864, 'Largest JSON or unpacked body in bytes.', {
    least: 1,
    most: Number.MAX_SAFE_INTEGER,
  }),
  httpHeaderForwardPattern: text('', 'Regular expression: headers that match become request parameters.'),
  httpRestrictedApi: restrictions('Groups of APIs that need a header. May be repeated.'),
  httpPluginConfig: scopedSettings('Setting of a plugin of the HTTP endpoint. May be repeated.', {
    scope: 'plugin',
    forAll: false,
  }),
  httpThreadCount: notYet(integer(8, 'Threads that serve HTTP.', { least: 1 })),
};

export const GRPC_OPTIONS = {
  allowGrpc: boolean(true, 'Whether gRPC is served.'),
  grpcAddress: text('0.0.0.0', 'Address that gRPC listens at.'),
  grpcPort: integer(8001, 'Port of gRPC; 0: any free one.', PORT),
  reuseGrpcPort: boolean(false, 'Whether several servers may listen at the gRPC port.'),
  grpcHeaderForwardPattern: text('', 'Regular expression: metadata that matches becomes request parameters.'),
  grpcRestrictedProtocol: restrictions(
    'Groups of calls that need metadata triton-grpc-protocol-<header>. May be repeated.',
  ),
  grpcUseSsl: boolean(false, 'Whether gRPC uses TLS.'),
  grpcUseSslMutual: boolean(false, 'Whether gRPC clients must show a certificate; implies TLS.'),
  grpcServerCert: text('', 'File with the certificate of the server, PEM.'),
  grpcServerKey: text('', 'File with the key of the server, PEM.'),
  grpcRootCert: text('', 'File with the certificate that those of clients are signed with, PEM.'),
  grpcKeepaliveTime: integer(7200000, `${MILLISECONDS} between two pings.`),
  grpcKeepaliveTimeout: integer(20000, `${MILLISECONDS} that a ping may stay unanswered.`),
  grpcKeepalivePermitWithoutCalls: boolean(false, 'Whether pings are sent while no call runs.'),
  grpcMaxConnectionAge: integer(undefined, `${MILLISECONDS} that a connection may last; absent: any time.`),
  grpcMaxConnectionAgeGrace: integer(
    undefined,
    `${MILLISECONDS} that calls have when their connection is too old.`,
  ),
  grpcHttp2MaxPingsWithoutData: notYet(integer(2, 'Pings sent without data in between; 0: any number.')),
  grpcHttp2MinRecvPingIntervalWithoutData: integer(
    300000,
    `${MILLISECONDS} that clients must leave between pings while nothing is sent to them.`,
  ),
  grpcHttp2MaxPingStrikes: integer(2, 'Pings too early after which a connection is closed; 0: any number.'),
  grpcInferResponseCompressionLevel: choice(
    ['none', 'low', 'medium', 'high'],
    'none',
    'How well responses are compressed for gRPC clients that take it.',
  ),
  grpcTransport: choice(
    ['http2', 'grpc-js'],
    'http2',
    'What carries gRPC: the server itself on HTTP/2, or the library grpc-js, which knows no ping strikes.',
  ),
  grpcInferThreadCount: notYet(integer(2, 'Threads that handle gRPC inference.', { least: 2, most: 128 })),
  grpcInferAllocationPoolSize: notYet(integer(8, 'Request objects kept for reuse.', { least: 1 })),
  grpcMaxResponsePoolSize: notYet(integer(2 ** 31 - 1, 'Response objects kept for reuse.', { least: 1 })),
};

export const METRICS_OPTIONS = {
  allowMetrics: boolean(true, 'Whether metrics are served.'),
  allowGpuMetrics: boolean(true, 'Whether metrics of GPUs are served; there are none yet.'),
  allowCpuMetrics: boolean(true, 'Whether metrics of processor and memory are served.'),
  metricsAddress: text(undefined, 'Address that metrics are served at; absent: that of HTTP.'),
  metricsPort: integer(8002, 'Port of metrics; 0: any free one.', PORT),
  metricsIntervalMs: integer(2000, `${MILLISECONDS} between two measurements of processor and memory.`, {
    least: 1,
  }),
  metricsConfig: settings(
    'counter_latencies, histogram_latencies, summary_latencies (true or false), or summary_quantiles. May be repeated.',
  ),
};

export const TRACING_OPTIONS = {
  traceConfig: scopedSettings(
    'level, rate, count or mode of tracing; triton,file and triton,log-frequency; opentelemetry,url, opentelemetry,resource=<name>=<value> and opentelemetry,bsp_max_queue_size, bsp_schedule_delay (ms) or bsp_max_export_batch_size. May be repeated.',
    { scope: 'mode', forAll: true, joined: ['level', 'resource'] },
  ),
};

export const CLOUD_OPTIONS = {
  allowSagemaker: notYet(boolean(false, 'Whether SageMaker is served.')),
  sagemakerPort: notYet(integer(8080, 'Port of SageMaker.', PORT)),
  sagemakerSafePortRange: portRange('Ports that the other services must keep to.'),
  sagemakerThreadCount: notYet(integer(8, 'Threads that serve SageMaker.', { least: 1 })),
  allowVertexAi: notYet(boolean(false, 'Whether Vertex AI is served.')),
  vertexAiPort: notYet(integer(8080, 'Port of Vertex AI.', PORT)),
  vertexAiThreadCount: notYet(integer(8, 'Threads that serve Vertex AI.', { least: 1 })),
  vertexAiDefaultModel: notYet(text(undefined, 'Model of Vertex AI requests that name none.')),
};
