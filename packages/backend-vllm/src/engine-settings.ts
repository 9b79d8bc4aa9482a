import type { EngineKey } from './engine-key.ts';
import type { Preset } from './presets.ts';

/** How much may run and wait. */
export interface AdmissionLimits {
  /** Requests at once, per engine. */
  readonly maxConcurrent: number;
  readonly maxQueueRequests: number;
  /** Estimated tokens of what waits; 0: no limit. */
  readonly maxQueueTokens: number;
}

/** What a model's configuration, its model.json and the backend's settings say about its engines. */
export interface EngineSettings {
  readonly preset: Preset;
  /** Engines elsewhere; empty: one of ours for each instance. */
  readonly urls: readonly URL[];
  /** The name by which engines elsewhere know the model; undefined: the first that they list. */
  readonly engineModel: string | undefined;
  /** LoRA name → path. */
  readonly adapters: ReadonlyMap<string, string>;
  /** What the engine is told to serve: `model` of model.json. */
  readonly model: string;
  /** `engine_command`; undefined: the preset's own program. */
  readonly program: string | undefined;
  /** The engine's arguments behind those that the preset gives it: without port and key. */
  readonly argv: readonly string[];
  /** What engines elsewhere are asked with. */
  readonly key: EngineKey | undefined;
  readonly limits: AdmissionLimits;
  readonly startTimeoutMs: number;
  readonly healthIntervalMs: number;
  /** Whether the engine's own metrics are shown on ours. */
  readonly reportsMetrics: boolean;
  /** Restarts in a row after which an engine is given up; 0: never. */
  readonly maxRestarts: number;
}
