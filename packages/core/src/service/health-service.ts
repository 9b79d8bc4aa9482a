/** Health, for both protocols. */
export interface HealthService {
  /** @throws InferenceServerError UNAVAILABLE while the server shuts down. */
  live(): boolean;
  /** @throws InferenceServerError UNAVAILABLE while the server shuts down. */
  ready(): boolean;
  /**
   * Whether a model version can be used: Triton 2.51 answers false also for what is unknown or unloaded.
   *
   * @param version - '' for the highest ready one.
   * @throws InferenceServerError INVALID_ARG for a version that is no number.
   */
  modelReady(name: string, version: string): boolean | Promise<boolean>;
}
