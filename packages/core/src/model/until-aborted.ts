/** Waits for something, but no longer than until the signal aborts. */
export async function untilAborted(waitedFor: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  await Promise.race([waitedFor, aborted]);
  signal.removeEventListener('abort', onAbort);
}
