/** The gauges of the machine: processor and memory, and Triton's pinned memory, of which there is none here. */
import { cpus, freemem, totalmem } from 'node:os';
import type { Exposition } from './exposition.ts';

/** Processor time since the machine started, in any unit. */
export interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/** Reads what the machine says; replaced in tests. */
export interface SystemProbe {
  cpuTimes(): CpuTimes;
  /** Bytes. */
  memory(): { readonly total: number; readonly used: number };
}

export const systemProbe: SystemProbe = {
  cpuTimes() {
    let busy = 0;
    let idle = 0;
    for (const { times } of cpus()) {
      busy += times.user + times.nice + times.sys + times.irq;
      idle += times.idle;
    }
    return { busy, total: busy + idle };
  },
  memory() {
    const total = totalmem();
    return { total, used: total - freemem() };
  },
};

/** Measures the machine at scrapes, at most once an interval, so that no timer is needed. */
export class SystemMetrics {
  readonly #probe: SystemProbe;
  readonly #intervalMs: number;
  #measuredAt: number;
  #times: CpuTimes;
  #utilization = 0;
  #memory: { readonly total: number; readonly used: number };

  constructor(probe: SystemProbe, intervalMs: number, nowMs: number) {
    this.#probe = probe;
    this.#intervalMs = intervalMs;
    this.#measuredAt = nowMs;
    this.#times = probe.cpuTimes();
    this.#memory = probe.memory();
  }

  render(exposition: Exposition, nowMs: number): void {
    if (nowMs - this.#measuredAt >= this.#intervalMs) this.#measure(nowMs);
    const gauge = (name: string, help: string, value: number): void => {
      exposition.family({ name, help, type: 'gauge' });
      exposition.sample(name, '', value);
    };
    gauge(
      'nv_cpu_utilization',
      'Share of processor time in use since the last measurement, 0 to 1',
      this.#utilization,
    );
    gauge('nv_cpu_memory_total_bytes', 'Memory of the machine in bytes', this.#memory.total);
    gauge('nv_cpu_memory_used_bytes', 'Memory in use on the machine in bytes', this.#memory.used);
  }

  #measure(nowMs: number): void {
    const times = this.#probe.cpuTimes();
    const elapsed = times.total - this.#times.total;
    if (elapsed > 0) this.#utilization = (times.busy - this.#times.busy) / elapsed;
    this.#times = times;
    this.#memory = this.#probe.memory();
    this.#measuredAt = nowMs;
  }
}

/** Pinned memory is a matter of GPUs: the pool is always empty. */
export function renderPinnedMemory(exposition: Exposition): void {
  for (const which of ['total', 'used']) {
    const name = `nv_pinned_memory_pool_${which}_bytes`;
    exposition.family({ name, help: `Pinned memory pool, ${which} bytes`, type: 'gauge' });
    exposition.sample(name, '', 0);
  }
}
