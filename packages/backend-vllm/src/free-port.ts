import { createServer } from 'node:net';
import { InferenceServerError } from '@nereid/backend-sdk';

/** A port of the loopback interface on which nothing listens now. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new InferenceServerError('INTERNAL', 'no port is free for an engine'));
      });
    });
  });
}
