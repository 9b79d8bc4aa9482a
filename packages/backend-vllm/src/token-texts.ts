import { askEngine, type EnginePage } from './ask-engine.ts';
import type { Engine } from './engine.ts';
import { isObject, stringOf, tryParseJson } from './json.ts';

/** Vocabularies have up to some 250,000 tokens: no more than that is ever kept. */
const MAX_TEXTS = 300_000;

/** What engines answer that can't tell texts. */
const ABSENT: ReadonlySet<number> = new Set([404, 405]);

/** How long an engine is left alone that did not answer: else each token of a stream would wait for it. */
const REST_MS = 10_000;

const NO_ANSWER: EnginePage = { status: 0, text: '' };

/** Texts of a model's tokens, as its engine tells them; each is asked for once. */
export class TokenTexts {
  readonly #texts = new Map<number, string>();
  /** The engine has no such endpoint: without this, each token would ask for it again. */
  #isAbsent = false;
  readonly #restMs: number;
  readonly #limitMs: number | undefined;
  #restsUntil = -Infinity;

  /**
   * @param limitMs - How long an engine may take for a text, which else stays unknown. Default: 1000.
   * @param restMs - How long it is then asked for no more. Default: 10,000.
   */
  constructor({ limitMs, restMs = REST_MS }: { readonly limitMs?: number; readonly restMs?: number } = {}) {
    this.#limitMs = limitMs;
    this.#restMs = restMs;
  }

  /** undefined: not known yet. */
  get(id: number): string | undefined {
    return this.#texts.get(id);
  }

  /** Resolves when all are known that the engine tells in time. */
  async load(ids: readonly number[], engine: Engine): Promise<void> {
    if (this.#isAbsent || performance.now() < this.#restsUntil) return;
    if (this.#texts.size > MAX_TEXTS) this.#texts.clear();
    const missing = new Set(ids.filter((id) => !this.#texts.has(id)));
    await Promise.all([...missing].map((id) => this.#loadOne(id, engine)));
  }

  async #loadOne(id: number, engine: Engine): Promise<void> {
    const body = [Buffer.from(JSON.stringify({ model: engine.modelName, tokens: [id] }))];
    // A missing text must not cost the client its tokens.
    const answered = askEngine(engine, { method: 'POST', path: '/detokenize', body }, this.#limitMs);
    const { status, text: json } = await answered.catch(() => NO_ANSWER);
    if (status === NO_ANSWER.status) this.#restsUntil = performance.now() + this.#restMs;
    this.#isAbsent ||= ABSENT.has(status);
    const answer = status === 200 ? tryParseJson(json) : undefined;
    const text = isObject(answer) ? stringOf(answer['prompt']) : undefined;
    if (text !== undefined) this.#texts.set(id, text);
  }
}
