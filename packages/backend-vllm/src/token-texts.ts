import { askEngine, type EnginePage } from './ask-engine.ts';
import type { Engine } from './engine.ts';
import { isObject, stringOf, tryParseJson } from './json.ts';

/** Vocabularies have up to some 250,000 tokens: no more than that is ever kept. */
const MAX_TEXTS = 300_000;

/** What engines answer that can't tell texts. */
const ABSENT: ReadonlySet<number> = new Set([404, 405]);

const NO_ANSWER: EnginePage = { status: 0, text: '' };

/** Texts of a model's tokens, as its engine tells them; each is asked for once. */
export class TokenTexts {
  readonly #texts = new Map<number, string>();
  /** The engine has no such endpoint: without this, each token would ask for it again. */
  #isAbsent = false;

  /** undefined: not known yet. */
  get(id: number): string | undefined {
    return this.#texts.get(id);
  }

  /** Resolves when all are known that the engine tells. */
  async load(ids: readonly number[], engine: Engine): Promise<void> {
    if (this.#isAbsent) return;
    if (this.#texts.size > MAX_TEXTS) this.#texts.clear();
    const missing = new Set(ids.filter((id) => !this.#texts.has(id)));
    await Promise.all([...missing].map((id) => this.#loadOne(id, engine)));
  }

  async #loadOne(id: number, engine: Engine): Promise<void> {
    const body = Buffer.from(JSON.stringify({ model: engine.modelName, tokens: [id] }));
    // A missing text must not cost the client its tokens.
    const answered = askEngine(engine, { method: 'POST', path: '/detokenize', body });
    const { status, text: json } = await answered.catch(() => NO_ANSWER);
    this.#isAbsent ||= ABSENT.has(status);
    const answer = status === 200 ? tryParseJson(json) : undefined;
    const text = isObject(answer) ? stringOf(answer['prompt']) : undefined;
    if (text !== undefined) this.#texts.set(id, text);
  }
}
