import { summarize, type LoadResult, type LoadShape } from './load.ts';

/** A connection with at most one request under way. */
export interface LoopConnection {
  /** Sends the request again. */
  send(): void;
  close(): void;
}

/** What a connection reports: once for each `send`. */
export interface LoopListener {
  onAnswer(isSuccess: boolean): void;
  /** The connection cannot go on. */
  onFailure(error: Error): void;
}

/** Opens a connection; resolves when it is ready to send. */
export type Connect = (listener: LoopListener) => Promise<LoopConnection>;

/** Keeps every connection busy for some seconds. */
export async function runClosedLoop(
  connect: Connect,
  { connections, seconds }: LoadShape,
): Promise<LoadResult> {
  const latencies: number[] = [];
  let errors = 0;
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const open: LoopConnection[] = [];
  const loops: Promise<void>[] = [];
  let end = Infinity;
  for (let index = 0; index < connections; index += 1) {
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
    let sentAt = 0;
    const connection = await connect({
      onAnswer: (isSuccess) => {
        const now = performance.now();
        latencies.push(now - sentAt);
        if (!isSuccess) errors += 1;
        sentAt = now;
        if (now < end) connection.send();
        else finish();
      },
      onFailure: reject,
    });
    open.push(connection);
    loops.push(finished);
  }
  const began = performance.now();
  end = began + seconds * 1000;
  for (const connection of open) connection.send();
  await Promise.race([Promise.all(loops), failed]).finally(() => {
    for (const connection of open) connection.close();
  });
  return summarize(latencies, (performance.now() - began) / 1000, errors);
}
