import { startBatchTransfer } from './batch-transfer.ts';
import { batchingBenchmarks } from './batching.ts';
import { grpcCodecBenchmarks } from './grpc-codec.ts';
import { httpCodecBenchmarks } from './http-codec.ts';
import { measureMicro, type MicroFigure } from './micro-benchmark.ts';

/** Measures all parts. */
export async function runMicroBenchmarks(
  isQuick: boolean,
  report: (figure: MicroFigure) => void,
): Promise<void> {
  await using transfer = await startBatchTransfer();
  const all = [
    ...httpCodecBenchmarks(),
    ...grpcCodecBenchmarks(),
    ...batchingBenchmarks(),
    ...transfer.benchmarks,
  ];
  for (const benchmark of all) report(await measureMicro(benchmark, isQuick ? 50 : 200));
}
