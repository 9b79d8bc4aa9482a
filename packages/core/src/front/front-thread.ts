/** A front: the protocols in a thread of their own, over services that ask the serving thread. */
import type { Logger } from '@nereid/backend-sdk';
import { toWireError } from '../instance/batch-transfer.ts';
import { createRemoteLogger } from '../telemetry/remote-log.ts';
import { loadHttpPlugin } from '../plugin/plugin-registry.ts';
import type { TracedRequest } from '../telemetry/trace.ts';
import {
  clockZero,
  TRACING,
  VERBOSE_LEVEL,
  type CallOutcome,
  type FrontCommand,
  type FrontProtocol,
  type FrontStart,
  type ToFront,
} from './front-messages.ts';
import { FrontTrace, type FrontTraceParts } from './front-tracer.ts';
import { RemoteInferenceService } from './remote-inference-service.ts';
import { createRemoteHealth, createRemoteManagement } from './remote-services.ts';
import { ServingLink, type FrontPort } from './serving-link.ts';

/** A server of a protocol. */
interface ProtocolServer {
  listen(): Promise<{ readonly port: number }>;
  close(graceMs: number): Promise<void>;
}

/** Does what the serving thread says, and answers when it is done. */
export class FrontThread {
  readonly #port: FrontPort;
  readonly #start: FrontStart;
  readonly #link: ServingLink;
  readonly #servers = new Map<FrontProtocol, ProtocolServer>();

  constructor(port: FrontPort, start: FrontStart) {
    this.#port = port;
    this.#start = start;
    this.#link = new ServingLink(port, start);
  }

  receive(message: ToFront): void {
    if (message.kind === 'command') void this.#obey(message.command, message.body);
    else this.#link.receive(message);
  }

  /** A fault that escaped must not end the thread, and with it all its connections. */
  reportFault(error: Error): void {
    this.#logger('server').error(`unexpected error in a front: ${error.message}`, { cause: error });
  }

  async #obey(command: number, body: FrontCommand): Promise<void> {
    let outcome: CallOutcome;
    try {
      outcome = { value: await this.#do(body) };
    } catch (error) {
      outcome = { error: toWireError(error) };
    }
    this.#port.postMessage({ kind: 'done', command, outcome });
  }

  async #do(command: FrontCommand): Promise<number | undefined> {
    switch (command.kind) {
      case 'prepare':
        await this.#prepare();
        return undefined;
      case 'listen': {
        const server = await this.#createServer(command.protocol, command.port);
        this.#servers.set(command.protocol, server);
        return (await server.listen()).port;
      }
      case 'close':
        await this.#servers.get(command.protocol)?.close(command.graceMs);
        return undefined;
    }
  }

  /** Loads the protocols, and finds what is wrong with their options, a certificate say. */
  async #prepare(): Promise<void> {
    const { http, grpc } = this.#start;
    if (http !== undefined) await this.#createServer('http', http.port);
    if (grpc !== undefined) await this.#createServer('grpc', grpc.port);
  }

  async #createServer(protocol: FrontProtocol, port: number): Promise<ProtocolServer> {
    const { http, grpc } = this.#start;
    // All fronts listen at one port; the system spreads the connections.
    const shared = { port, reusePort: true };
    const services = this.#services(protocol);
    if (protocol === 'http' && http !== undefined) {
      const { createHttpServer } = await import('../protocol/http/http-server.ts');
      const plugins = this.#start.httpPlugins.map((source) => () => loadHttpPlugin(source));
      const server = createHttpServer(services, { ...http, ...shared }, plugins);
      await server.prepare();
      return server;
    }
    if (protocol === 'grpc' && grpc !== undefined) {
      const { createGrpcServer } = await import('../protocol/grpc/grpc-server.ts');
      const server = await createGrpcServer(services, { ...grpc, ...shared });
      await server.prepare();
      return server;
    }
    throw new Error(`${protocol} is off`);
  }

  #services(protocol: FrontProtocol) {
    const { state } = this.#start;
    const { settings } = state;
    const link = this.#link;
    const parts: FrontTraceParts = {
      clockShift: Number(clockZero() - this.#start.clockZero),
      end: (item) => link.send(item),
    };
    return {
      inference: new RemoteInferenceService(link, state),
      management: createRemoteManagement(link),
      health: createRemoteHealth(link),
      logger: this.#logger(protocol),
      tracer: {
        get isOn(): boolean {
          return Atomics.load(settings, TRACING) !== 0;
        },
        start: (request: TracedRequest) => new FrontTrace(request, parts),
      },
    };
  }

  #logger(component: string): Logger {
    const { settings } = this.#start.state;
    return createRemoteLogger(
      (line) => this.#port.postMessage({ kind: 'log', component, ...line }),
      (verbosity) => Atomics.load(settings, VERBOSE_LEVEL) >= verbosity,
    );
  }
}
