import type { Logger, MetricFactory, ModelConfig } from '@nereid/backend-sdk';

/** What a model is given: once for each instance. */
export interface ModelContext {
  readonly modelName: string;
  /** The version folder's number, as text. */
  readonly modelVersion: string;
  /** `<model>_<group>_<index>` */
  readonly instanceName: string;
  readonly instanceKind: 'KIND_CPU' | 'KIND_GPU' | 'KIND_MODEL';
  /** Folder of the model: `config.pbtxt`, labels and the version folders lie here. */
  readonly modelDirectory: string;
  /** Folder of this version, where `model.ts` lies. */
  readonly versionDirectory: string;
  /** The complete configuration. */
  readonly config: ModelConfig;
  /** The values of the configuration's `parameters`. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The server's log; it obeys the log settings. */
  readonly logger: Logger;
  /** Makes metrics that appear on `/metrics`. */
  readonly metrics: MetricFactory;
}
