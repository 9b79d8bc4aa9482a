import type { BackendModelInstance, BackendRequest } from '@nereid/backend-sdk';

/**
 * An instance that is made when its first batch comes. Most of a thousand tiny models are asked by one client at a
 * time, if at all, and never need the instances beyond their first.
 *
 * @param create - Called again for the next batch when it fails; the batch has its error.
 */
export function createLateInstance(create: () => Promise<BackendModelInstance>): BackendModelInstance {
  let made: BackendModelInstance | undefined;
  const executeFirst = async (requests: readonly BackendRequest[]): Promise<void> => {
    made = await create();
    await made.execute(requests);
  };
  return {
    execute: (requests) => (made === undefined ? executeFirst(requests) : made.execute(requests)),
  };
}
