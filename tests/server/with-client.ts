import { HttpClient } from '@nereid/client';
import type { RunningServer } from './start-server.ts';

/** Gives a client of the server, over HTTP, for as long as it is used. */
export async function withClient<T>(
  server: RunningServer,
  use: (client: HttpClient) => Promise<T>,
): Promise<T> {
  const client = new HttpClient(server.http);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
