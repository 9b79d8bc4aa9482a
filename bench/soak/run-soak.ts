/** A server under a mix of everything, at a steady pace, and what it and its children hold meanwhile. */
import { setTimeout as wait } from 'node:timers/promises';
import { GrpcClient, HttpClient } from '@nereid/client';
import { loadSharedMemory } from '@nereid/shared-memory';
import { makeRepository } from '../../tests/server/make-repository.ts';
import type { Actor } from '../../tests/stress/actions.ts';
import { Ledger, type Tally } from '../../tests/stress/ledger.ts';
import { Random } from '../../tests/stress/random.ts';
import { STRESS_FLAGS } from '../../tests/stress/stress.ts';
import { interpreterFlag } from '../models/python-models.ts';
import { startNereid, type RunningServer } from '../process/nereid.ts';
import { startEngine } from '../process/scripted-engine.ts';
import { memoryOf, type ServerMemory } from './server-memory.ts';
import { createMix, type Mix } from './soak-actions.ts';
import { addSoakModels } from './soak-models.ts';

const SAMPLE_MS = 10_000;
const TICK_MS = 20;
const SHARED_BYTES = 65_536;
const TOKENS_PER_SECOND = 200;
/** So many actions at a time; more would mean that the server does not keep up, which the pace then shows. */
const MAX_UNDER_WAY = 128;
/** As many as a page can show; one is too many already. */
const FAULTS_KEPT = 20;

export interface SoakOptions {
  readonly minutes: number;
  /** Requests a second, all kinds together. */
  readonly rate: number;
  /** Repeats the choices of the clients, not their timing. */
  readonly seed: number;
  /** Python with numpy. */
  readonly interpreter: string;
  /** The one action to repeat. Default: the mix. */
  readonly only?: string | undefined;
  /** Called with each sample. */
  readonly onSample: (sample: MemorySample) => void;
}

/** What is held at one time. */
export interface MemorySample extends ServerMemory {
  /** Since the load began. */
  readonly seconds: number;
}

/** What a soak came to. */
export interface SoakResult {
  readonly samples: readonly MemorySample[];
  /** What became of the requests, by model or kind. */
  readonly tallies: Readonly<Record<string, Tally>>;
  /** Answers that were wrong, lost or refused for no good reason, in words: the first few. */
  readonly faults: readonly string[];
}

/** Runs the mix for a while against a server of its own. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  await using engine = await startEngine({ tokensPerSecond: TOKENS_PER_SECOND });
  await using repository = makeRepository();
  addSoakModels(repository, engine.url);
  const memory = loadSharedMemory();
  const key = `/nereid-soak-${process.pid}`;
  using _region = memory.create(key, SHARED_BYTES);
  try {
    const flags = [...STRESS_FLAGS, '--allow-client-shm=true', interpreterFlag(options.interpreter)];
    await using server = await startNereid(repository.path, flags);
    return await loadAndWatch(server, createMix({ key, byteSize: SHARED_BYTES }, options.only), options);
  } finally {
    memory.unlink(key);
  }
}

async function loadAndWatch(server: RunningServer, mix: Mix, options: SoakOptions): Promise<SoakResult> {
  const ledger = new Ledger();
  const http = new HttpClient(server.httpUrl);
  const grpc = new GrpcClient(server.grpcAddress);
  const actor: Actor = {
    http,
    grpc,
    httpPort: Number(new URL(server.httpUrl).port),
    grpcAddress: server.grpcAddress,
    random: new Random(options.seed),
    ledger,
  };
  const samples: MemorySample[] = [];
  const started = performance.now();
  const watch = setInterval(() => {
    const sample = { seconds: (performance.now() - started) / 1000, ...memoryOf(server.pid) };
    samples.push(sample);
    options.onSample(sample);
  }, SAMPLE_MS);
  try {
    await load(actor, mix, options);
  } finally {
    clearInterval(watch);
    await Promise.all([http.close(), grpc.close()]);
  }
  const { models, faults } = ledger;
  return { samples, tallies: Object.fromEntries(models), faults: faults.slice(0, FAULTS_KEPT) };
}

/** Begins actions as requests fall due, until the time is over, and waits for the last of them. */
async function load(actor: Actor, mix: Mix, { minutes, rate }: SoakOptions): Promise<void> {
  const { ledger } = actor;
  const underWay = new Set<Promise<void>>();
  const started = performance.now();
  const end = started + minutes * 60_000;
  for (let now = started; now < end; now = performance.now()) {
    const due = ((now - started) / 1000) * rate;
    while (askedSoFar(ledger) < due && underWay.size < MAX_UNDER_WAY) {
      const action = mix(actor)(actor)
        .catch((error: unknown) => void ledger.faults.push(String(error)))
        .finally(() => underWay.delete(action));
      underWay.add(action);
    }
    await wait(TICK_MS);
  }
  await Promise.all(underWay);
}

function askedSoFar({ models }: Ledger): number {
  let sum = 0;
  for (const { asked } of models.values()) sum += asked;
  return sum;
}
