import { refuse, type ConfigCheck } from './check.ts';

/** Responses of sequences and of decoupled models can't be cached (CFG-31). */
export function checkResponseCache(check: ConfigCheck): void {
  const { config } = check;
  if (config.response_cache?.enable !== true) return;
  const start = `Response Cache does not currently support model ${config.name} with`;
  const end = `Please disable the response cache.`;
  if (config.sequence_batching !== undefined) {
    refuse(check, 'response_cache', `${start} sequence batching scheduler. ${end}`);
  }
  if (config.model_transaction_policy?.decoupled !== true) return;
  refuse(check, 'response_cache', `${start} 'decoupled' transaction policy. ${end}`);
}
