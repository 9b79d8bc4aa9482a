/**
 * The least that grpc-js can do with an inference: take the bytes, send them back. Prints its port. A request reads
 * as a response, since the fields that both have carry the same numbers and types.
 */
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';

const pass = (bytes: Buffer): Buffer => bytes;
const service = {
  modelInfer: {
    path: '/inference.GRPCInferenceService/ModelInfer',
    requestStream: false,
    responseStream: false,
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
  },
};
const implementation: UntypedServiceImplementation = {
  modelInfer: (call: { readonly request: Buffer }, callback: (error: null, answer: Buffer) => void): void => {
    callback(null, call.request);
  },
};

const server = new Server();
server.addService(service, implementation);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${port}\n`);
});
