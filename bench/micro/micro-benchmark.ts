import { spreadOf, type Spread } from '../measure/spread.ts';

/** A part of the path of a request, measured by itself. */
export interface MicroBenchmark {
  readonly name: string;
  /** Does the thing that many times. */
  run(times: number): void | Promise<void>;
}

/** How long one operation took. */
export interface MicroFigure {
  readonly name: string;
  readonly nanoseconds: Spread;
}

const REPEATS = 7;

/** Measures: finds out how often fits in a run, warms up by that, then repeats runs. */
export async function measureMicro(benchmark: MicroBenchmark, runMs: number): Promise<MicroFigure> {
  let times = 1;
  let took = await runOnce(benchmark, times);
  while (took < runMs / 2) {
    times *= took < runMs / 20 ? 8 : 2;
    took = await runOnce(benchmark, times);
  }
  const nanoseconds: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    nanoseconds.push(((await runOnce(benchmark, times)) / times) * 1e6);
  }
  return { name: benchmark.name, nanoseconds: spreadOf(nanoseconds) };
}

async function runOnce(benchmark: MicroBenchmark, times: number): Promise<number> {
  const began = performance.now();
  await benchmark.run(times);
  return performance.now() - began;
}
