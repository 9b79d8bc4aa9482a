/**
 * The first run: serves examples/models, has a real model read a picture, and goes on serving.
 *
 *     npm start [-- --once] [-- --text=…] [-- --image=file.png] [-- --port=8000]
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HttpClient, type InferInput } from '@nereid/client';
import { drawText } from './draw-text.ts';
import { freePorts, type Ports } from './free-ports.ts';
import { CHARACTER_TABLE, installModel } from './model-repository.ts';
import { readPicture, writePicture } from './picture.ts';
import { describeEnd, startServer, stopServer, waitUntilReady } from './server-process.ts';
import { decodeText, readCharacters, toModelInput, type RecognizedText } from './text-recognition.ts';

const MODEL = 'text_recognition';
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MODELS = fileURLToPath(new URL('../models', import.meta.url));
const HELLO_PNG = fileURLToPath(new URL('./hello.png', import.meta.url));
const HELLO_BIN = fileURLToPath(new URL('./hello.bin', import.meta.url));
const WARM_RUNS = 10;

/** What was read, and how long it took. */
interface Reading extends RecognizedText {
  readonly firstMs: number;
  /** Median of the later requests. */
  readonly warmMs: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      text: { type: 'string', default: 'NEREID 2026' },
      image: { type: 'string', default: HELLO_PNG },
      port: { type: 'string', default: '8000' },
    },
  });
  if (values.image === HELLO_PNG) writePicture(HELLO_PNG, drawText(values.text));
  installModel(MODELS);
  const ports = await choosePorts(parsePort(values.port));
  await serve(ports, { image: values.image, once: values.once });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_000) return port;
  throw new Error(`--port: expected a number from 1 to 65000, found '${text}'`);
}

async function choosePorts(first: number): Promise<Ports> {
  const ports = await freePorts(first);
  if (ports.http !== first) {
    print(`A port from ${first} to ${first + 2} is in use: taking ${ports.http} to ${ports.metrics}.`);
    print(`Choose others with: npm start -- --port=9000\n`);
  }
  return ports;
}

async function serve(
  ports: Ports,
  options: { readonly image: string; readonly once: boolean },
): Promise<void> {
  const started = performance.now();
  const server = startServer(MODELS, ports);
  const stopped = stopOnSignal(server);
  const client = new HttpClient(`http://127.0.0.1:${ports.http}`);
  try {
    await waitUntilReady(server, client);
    print(`Nereid is ready (${(performance.now() - started).toFixed(0)} ms).`);
    showReading(await read(client, options.image), options.image);
    showUrls(ports);
    if (!options.once) {
      print('\nServing until Ctrl-C.');
      await stopped;
      if (server.exitCode !== 0) throw new Error(describeEnd(server));
    }
  } finally {
    await client.close();
    await stopServer(server);
  }
}

/** Passes signals on to the server; settles when it has ended. */
function stopOnSignal(server: ChildProcess): Promise<unknown> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.kill(signal));
  return once(server, 'exit');
}

async function read(client: HttpClient, image: string): Promise<Reading> {
  const { inputs } = await client.modelMetadata(MODEL);
  const input = toModelInput(inputs[0]?.name ?? '', readPicture(image));
  if (input.data !== undefined) writeFileSync(HELLO_BIN, input.data);
  const first = await measure(client, input);
  const later: number[] = [];
  for (let run = 0; run < WARM_RUNS; run += 1) later.push((await measure(client, input)).ms);
  const warmMs = later.sort((a, b) => a - b)[WARM_RUNS / 2] ?? 0;
  return { ...decodeText(first.probabilities, readCharacters(CHARACTER_TABLE)), firstMs: first.ms, warmMs };
}

async function measure(
  client: HttpClient,
  input: InferInput,
): Promise<{ readonly probabilities: Float32Array; readonly ms: number }> {
  const sent = performance.now();
  const result = await client.infer(MODEL, [input]);
  const ms = performance.now() - sent;
  return { probabilities: result.output(result.outputs[0]?.name ?? '', 'FP32'), ms };
}

function showReading({ text, confidence, firstMs, warmMs }: Reading, image: string): void {
  print(`
  ${MODEL} read "${text}" from ${fromRoot(image)}
  confidence ${(confidence * 100).toFixed(1)} %, first answer in ${firstMs.toFixed(1)} ms, then ${warmMs.toFixed(1)} ms`);
}

function showUrls({ http, grpc, metrics }: Ports): void {
  print(`
  HTTP     http://localhost:${http}/v2
  gRPC     localhost:${grpc}
  metrics  http://localhost:${metrics}/metrics

Try it from another terminal, here in ${ROOT}

  curl -s localhost:${http}/v2/models/identity/infer -d '{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}'

  curl -s localhost:${http}/v2/models/${MODEL}/infer -H 'Inference-Header-Content-Length: 0' --data-binary @${fromRoot(HELLO_BIN)} -o ${fromRoot(HELLO_BIN).replace(/bin$/, 'out')} -w '%{http_code}: %{size_download} bytes in %{time_total} s\\n'`);
}

function fromRoot(file: string): string {
  return relative(ROOT, file);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
