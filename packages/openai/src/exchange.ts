/** A request to one of the endpoints. */
import type { HttpAnswer, HttpRequestHead, HttpPluginContext, PluginModel } from '@nereid/backend-sdk/http';
import type { Parameters } from '@nereid/protocol';
import type { Answer } from './answer.ts';
import type { ModelApi, ModelMapping, OpenAiApi } from './model-api.ts';
import type { ClientBody, RequestBody } from './request-body.ts';

/** A request whose model is known. */
export interface Exchange {
  readonly context: Pick<HttpPluginContext, 'infer'>;
  readonly request: HttpRequestHead;
  readonly connection: HttpAnswer;
  readonly answer: Answer;
  readonly body: RequestBody;
  readonly model: PluginModel;
  readonly api: ModelApi;
  /** What the server tells the model beside the body: `openai_path`, and where they are known `lora_name` and `triton_client_key`. */
  readonly parameters: Parameters;
}

/** A request as its client sent it. */
export interface ClientExchange extends Exchange {
  readonly body: ClientBody;
}

/** An endpoint that models are asked through. */
export interface Endpoint {
  readonly path: '/v1/chat/completions' | '/v1/completions' | '/v1/embeddings';
  readonly api: OpenAiApi;
  /** Asks a model that does not take bodies whole. */
  readonly askMapped: (exchange: Exchange, mapping: ModelMapping) => void;
}
