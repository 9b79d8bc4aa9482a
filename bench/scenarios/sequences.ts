import { runSequenceLoad } from '../load/sequence-load.ts';
import { alternate, type Contender } from '../measure/alternate.ts';
import { addAffine, createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import type { Scenario } from './scenario.ts';

const SEQUENCES = 1000;
const STEPS = 10;
const SLOTS = 4;

export const sequences: Scenario = {
  name: 'sequences',
  question: `What do sequences cost? ${SEQUENCES} of them in turn over ${SLOTS} slots, beside the same requests to the same model without; an answer that is lost, crossed or out of order fails the run.`,
  isInQuick: false,
  run: async ({ rounds, directory, report }) => {
    const repository = createRepository(directory);
    addAffine(repository, 'plain', { maxBatchSize: SLOTS, scheduler: 'dynamic_batching { }' });
    addAffine(repository, 'sequence', { maxBatchSize: SLOTS, scheduler: 'sequence_batching { direct { } }' });
    await using nereid = await startNereid(repository);
    const contender = (name: string, model: string): Contender => ({
      name,
      load: (seconds) =>
        runSequenceLoad({ address: nereid.grpcAddress, model, sequences: SEQUENCES, steps: STEPS, seconds }),
    });
    const figure = await alternate({
      ...rounds,
      scenario: sequences.name,
      name: `${SEQUENCES} sequences, ${SLOTS} slots`,
      base: contender('dynamic batcher', 'plain'),
      subject: contender('sequence batcher', 'sequence'),
      goal: 0.8,
    });
    report(figure);
  },
};
