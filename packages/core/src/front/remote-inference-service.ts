import type { InferRequestMessage } from '@nereid/protocol';
import type { ResponseHandler } from '../response/inference-response.ts';
import type { InferenceService, PendingInference, ServedModel } from '../service/inference-service.ts';
import type { RequestTrace } from '../telemetry/trace.ts';
import type { FrontState } from './front-messages.ts';
import { FrontTrace } from './front-tracer.ts';
import type { ServingLink } from './serving-link.ts';

/** A model version as the serving thread described it. */
interface KnownModel extends ServedModel {
  /** As the client asked for it: '' for the highest ready one. */
  readonly askedVersion: string;
}

/** What the name and the version of a request are joined with: no version has it. */
const SEPARATOR = '\n';

/**
 * Inference by the serving thread. Models are kept as they were described until any of them changes: then the shared
 * counter is another one before whoever asked for the change has an answer.
 */
export class RemoteInferenceService implements InferenceService {
  readonly #link: ServingLink;
  readonly #changes: Int32Array;
  readonly #models = new Map<string, KnownModel>();
  #seenChanges = 0;

  constructor(link: ServingLink, { modelChanges }: Pick<FrontState, 'modelChanges'>) {
    this.#link = link;
    this.#changes = modelChanges;
  }

  getModel(name: string, version: string): ServedModel {
    const changes = Atomics.load(this.#changes, 0);
    if (changes !== this.#seenChanges) this.#models.clear();
    this.#seenChanges = changes;
    const key = version + SEPARATOR + name;
    const known = this.#models.get(key);
    if (known !== undefined) return known;
    const model = this.#link.ask({ method: 'getModel', parameters: [name, version] }) as ServedModel;
    const described = { ...model, askedVersion: version };
    // A version can be written in any number of ways (1, 01, 001): what is kept has an end.
    if (version === '' || version === model.version) this.#models.set(key, described);
    return described;
  }

  infer(
    model: ServedModel,
    message: InferRequestMessage,
    handler: ResponseHandler,
    trace?: RequestTrace,
  ): PendingInference {
    const modelVersion = 'askedVersion' in model ? String(model.askedVersion) : message.modelVersion;
    const own = trace instanceof FrontTrace ? trace : undefined;
    return new RemoteInference(this.#link, this.#link.infer({ message, modelVersion, handler, trace: own }));
  }
}

/** An inference that the serving thread has. An object, not closures: there is one for each request. */
class RemoteInference implements PendingInference {
  readonly #link: ServingLink;
  readonly #call: number;

  constructor(link: ServingLink, call: number) {
    this.#link = link;
    this.#call = call;
  }

  cancel(): void {
    this.#link.send({ kind: 'cancel', call: this.#call });
  }

  pause(isPaused: boolean): void {
    this.#link.send({ kind: 'pause', call: this.#call, isPaused });
  }
}
