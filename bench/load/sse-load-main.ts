/** Load in streams from a process of its own: an SseLoad as JSON is its argument, the result its output. */
import { runSseLoad, type SseLoad } from './sse-load.ts';

const load = JSON.parse(process.argv[2] ?? '') as SseLoad;
process.stdout.write(JSON.stringify(await runSseLoad(load)));
process.exit(0);
