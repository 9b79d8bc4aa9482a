import { didYouMean } from '@nereid/protocol/model-config';
import { ENSEMBLE_PLATFORM, type KnownBackend } from '../known-backends.ts';
import { refuse, type ConfigCheck } from './check.ts';

/** `backend` and `platform` must be known and go together (CFG-03). */
export function checkBackend(check: ConfigCheck, backends: readonly KnownBackend[]): void {
  const { name, backend, platform } = check.config;
  if (platform === ENSEMBLE_PLATFORM) {
    if (backend === '') return;
    const rule = `must have platform type '${ENSEMBLE_PLATFORM}' and empty backend type`;
    refuse(check, 'backend', `ensemble model '${name}' ${rule}, found backend '${backend}'`);
  }
  if (check.config.ensemble_scheduling !== undefined) {
    const rule = `ensemble scheduling cannot be set for model '${name}' whose platform is not ${ENSEMBLE_PLATFORM}`;
    refuse(check, 'ensemble_scheduling', `${rule}, found '${platform}'`);
  }
  if (backend === '') {
    const known = backends.flatMap((b) => (b.platform === undefined ? [] : [b.platform]));
    refuse(
      check,
      'platform',
      `unexpected platform type '${platform}' for ${name}${didYouMean(platform, known)}`,
    );
  }
  checkPair(check, backends);
}

function checkPair(check: ConfigCheck, backends: readonly KnownBackend[]): void {
  const { name, backend, platform } = check.config;
  const own = backends.flatMap((b) => (b.name === backend && b.platform !== undefined ? [b.platform] : []));
  const isOthers = backends.some((b) => b.platform === platform && b.name !== backend);
  if (platform === '' || own.includes(platform) || (own.length === 0 && !isOthers)) return;
  const expected = own.length === 0 ? 'no platform' : [...new Set(own)].join(' or ');
  refuse(
    check,
    'platform',
    `unexpected 'platform' and 'backend' pair for ${name}, got: ${platform}, ${backend}; backend '${backend}' goes with ${expected}`,
  );
}
