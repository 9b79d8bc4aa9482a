import { alternate } from '../measure/alternate.ts';
import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addMeasuredOnnx, CNN, MLP, type MeasuredOnnx } from '../models/measured-onnx.ts';
import { createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { onnxLoop } from '../process/onnx-loop.ts';
import { formatConnections, underLoad } from './compare-under-load.ts';
import type { BenchContext, Scenario } from './scenario.ts';

/** A model, how it is asked, and over how many connections. */
interface Subject {
  readonly model: MeasuredOnnx;
  readonly encoding: 'binary' | 'json';
  readonly connections: readonly number[];
}

const SUBJECTS: readonly Subject[] = [
  { model: MLP, encoding: 'binary', connections: [1, 16, 64] },
  { model: MLP, encoding: 'json', connections: [1, 16, 64] },
  { model: CNN, encoding: 'binary', connections: [1, 4, 16] },
];

export const onnxCompute: Scenario = {
  name: 'onnx-compute',
  question:
    'How much of what ONNX Runtime can compute is left behind the server? Models with something to compute, over HTTP, beside a bare loop whose batch is as large as the connections are many.',
  isInQuick: false,
  run: async (context) => {
    for (const subject of SUBJECTS) await measure(context, subject);
  },
};

async function measure(context: BenchContext, { model, encoding, connections }: Subject): Promise<void> {
  const { loads, rounds, isQuick, directory, report } = context;
  const name = 'computing';
  const repository = createRepository(directory);
  const path = addMeasuredOnnx(repository, name, model);
  await using nereid = await startNereid(repository);
  const target = httpTarget(nereid.httpUrl, createRequest(name, [1, ...model.inputDims]), encoding);
  for (const count of isQuick ? connections.slice(-1) : connections) {
    const figure = await alternate({
      ...rounds,
      scenario: onnxCompute.name,
      name: `${model.title}, HTTP ${encoding === 'json' ? 'JSON' : 'binary'}, ${formatConnections(count)}`,
      base: onnxLoop(path, [count, ...model.inputDims]),
      subject: underLoad(loads, { name: 'Nereid', target }, count),
    });
    report(figure);
  }
}
