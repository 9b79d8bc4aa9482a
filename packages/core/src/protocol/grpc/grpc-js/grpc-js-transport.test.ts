/** All tests of the RPCs once more, with the library as their transport. */
import { useTransport } from '../testing/fake-services.ts';

useTransport('grpc-js');
await import('../grpc-server.test.ts');
await import('../infer.test.ts');
await import('../management.test.ts');
await import('../stream-infer.test.ts');
