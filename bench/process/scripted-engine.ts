import { fileURLToPath } from 'node:url';
import type { EngineReport, EngineScript } from '../../tests/llm/engine-script.ts';
import { OwnedProcess } from './child-process.ts';

const MAIN = fileURLToPath(new URL('../../tests/llm/scripted-engine-main.ts', import.meta.url));

/** An engine of language models that does what a script says, in a process of its own. */
export interface RunningEngine extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  report(): Promise<EngineReport>;
}

export async function startEngine(script: EngineScript): Promise<RunningEngine> {
  const child = new OwnedProcess([MAIN, `--script=${JSON.stringify(script)}`]);
  const url = await child.firstLine();
  return {
    url,
    pid: child.pid,
    report: async () => (await (await fetch(`${url}/scripted`)).json()) as EngineReport,
    [Symbol.asyncDispose]: () => child.stop(),
  };
}
