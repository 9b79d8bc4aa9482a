/** The vector of a question → the passages whose vectors are closest to it, the closest first. */
import { readFile } from 'node:fs/promises';
import { defineModel } from '@nereid/backend-script';

interface IndexedPassage {
  readonly source: string;
  readonly text: string;
  readonly embedding: readonly number[];
}

const COUNT = 2;

export default defineModel({
  config: {
    max_batch_size: 1,
    input: [{ name: 'VECTOR', data_type: 'TYPE_FP32', dims: [512] }],
    output: [{ name: 'PASSAGES', data_type: 'TYPE_STRING', dims: [COUNT] }],
  },
  async load({ versionDirectory }) {
    const index = JSON.parse(await readFile(`${versionDirectory}/passages.json`, 'utf8')) as IndexedPassage[];
    return {
      execute(request) {
        const question = request.input('VECTOR').values('FP32');
        const scored = index.map(({ source, text, embedding }) => ({
          text: `${source}: ${text}`,
          score: embedding.reduce((sum, value, at) => sum + value * (question[at] ?? 0), 0),
        }));
        const best = scored.sort((a, b) => b.score - a.score).slice(0, COUNT);
        return { outputs: { PASSAGES: best.map(({ text }) => text) } };
      },
    };
  },
});
