/** The options of the server: tritonserver's flags, by the same names, for the command line and for `createServer`. */
export { parseCommandLine, type CommandLine, type Environment } from './options/command-line.ts';
export { usage } from './options/usage.ts';
export type { ServerOptions } from './options/option-table.ts';
export { resolveServerOptions, type ResolvedServerOptions } from './options/resolve-server-options.ts';
export type {
  EndpointOptions,
  GrpcEndpointOptions,
  HttpEndpointOptions,
} from './options/resolve-endpoints.ts';
export type { ApiRestriction, RateLimitResource, ScopedSettings, Settings } from './options/option-spec.ts';
