import type { DurationStatisticJson } from '@nereid/protocol/http';

/** How often something happened and how long it took in all. Counting allocates nothing. */
export class DurationStatistic {
  count = 0;
  ns = 0;

  add(ns: number): void {
    this.count += 1;
    this.ns += ns;
  }

  toJson(): DurationStatisticJson {
    return { count: this.count, ns: this.ns };
  }
}
