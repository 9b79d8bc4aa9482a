import { join } from 'node:path';
import { cruise } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';

const RULES = join(import.meta.dirname, '.dependency-cruiser.cjs');

/**
 * The imports below some folders of a root that `.dependency-cruiser.cjs` forbids, one line each.
 *
 * @throws Error when nothing was read, which would look like a clean result.
 */
export async function findViolations(root: string, folders: readonly string[]): Promise<readonly string[]> {
  const options = await extractDepcruiseOptions(RULES);
  const { output } = await cruise([...folders], { ...options, baseDir: root });
  if (typeof output === 'string') throw new Error(`expected dependency-cruiser's result, found: ${output}`);
  const { totalCruised, violations } = output.summary;
  if (totalCruised === 0)
    throw new Error('dependency-cruiser read no module: it needs the API of TypeScript 6');
  return violations.map(({ rule, from, to, cycle }) => {
    const path = cycle === undefined ? [to] : cycle.map((step) => step.name);
    return `${rule.name}: ${[from, ...path].join(' → ')}`;
  });
}
