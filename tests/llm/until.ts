import { setTimeout as delay } from 'node:timers/promises';

/**
 * Looks again and again until something is so; the test's own limit ends it when it never is.
 *
 * @param look - Gives what was wanted, or undefined while it is not there.
 */
export async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await delay(20);
  }
}
