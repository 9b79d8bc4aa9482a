import { readdirSync } from 'node:fs';

/** Whether there is anything in a repository; one that can't be read is complained of later. */
export function hasEntries(repository: string): boolean {
  try {
    return readdirSync(repository).length > 0;
  } catch {
    return false;
  }
}
