import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GrpcTarget, LoadGenerator, LoadResult } from './load.ts';
import { splitOwnCores } from '../process/pinned-cores.ts';
import type { Tool } from '../tool/find-tool.ts';
import { runTool } from '../tool/run-tool.ts';

const PROTO = fileURLToPath(new URL('../../packages/protocol/proto/grpc_service.proto', import.meta.url));

/** ghz, each worker with a connection of its own. */
export async function createGhz(ghz: Tool, directory: string): Promise<LoadGenerator<GrpcTarget>> {
  const version = (await runTool(ghz, ['--version'])).trim();
  const cores = splitOwnCores()?.load;
  return {
    name: `ghz ${version}`,
    run: async ({ address, message }, { connections, seconds }) => {
      const messageFile = join(directory, 'ghz-message.bin');
      writeFileSync(messageFile, message);
      const flags = [
        '--insecure',
        `--proto=${PROTO}`,
        '--call=inference.GRPCInferenceService/ModelInfer',
        `--binary-file=${messageFile}`,
        `--concurrency=${connections}`,
        `--connections=${connections}`,
        `--duration=${seconds}s`,
        '--duration-stop=wait',
        '--format=influx-summary',
        address,
      ];
      return parseInflux(await runTool(ghz, flags, { cores }));
    },
  };
}

/** The fields of a line `measurement,tags field=value,… time`; some names are also tags. */
function parseInflux(line: string): LoadResult {
  const fields = line.slice(line.lastIndexOf(' count='));
  const field = (name: string): number => {
    const found = new RegExp(`[ ,]${name}=([0-9.eE+-]+)`).exec(fields)?.[1];
    if (found === undefined) throw new Error(`ghz: no field '${name}' in its result: ${line.slice(0, 300)}`);
    return Number(found);
  };
  return {
    requestsPerSecond: field('rps'),
    p50Us: field('median') / 1000,
    errors: field('errors'),
  };
}
