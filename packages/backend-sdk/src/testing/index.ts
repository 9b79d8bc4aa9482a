/**
 * For tests of backends: requests, a host that runs a backend in memory, and the suite that every backend runs.
 *
 * @module
 */
export { buildRequest, TestRequest, type TestRequestInit, type TestResponse } from './build-request.ts';
export {
  createTestHost,
  type TestHost,
  type TestHostOptions,
  type TestModel,
  type TestModelInit,
} from './test-host.ts';
export { createRecordingLogger, createRecordingMetrics, type TestLogLine } from './recorders.ts';
export { assertSameTensors } from './same-tensors.ts';
export { describeBackend, type BackendConformance, type ConformanceCase } from './backend-conformance.ts';
export { createModelConfig, type Init } from '@nereid/protocol/model-config';
