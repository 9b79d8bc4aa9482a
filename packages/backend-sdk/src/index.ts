export type {
  Backend,
  BackendContext,
  BackendModel,
  BackendModelInstance,
  ConfigCompletion,
  InstanceContext,
  InstanceHostKind,
  ModelContext,
} from './backend.ts';
export type { BackendRequest } from './backend-request.ts';
export { defineBackend, SDK_VERSION, type BackendDefinition } from './define-backend.ts';
export type { LogFields, Logger } from './logger.ts';
export type { Counter, Gauge, Histogram, MetricFactory, MetricFamilyOptions, MetricLabels } from './metrics.ts';
export type { BackendResponse, ResponseSender } from './response-sender.ts';
