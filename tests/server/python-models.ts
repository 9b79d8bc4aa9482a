/** Python models, and the processes that run them. */
import { readdirSync, readFileSync } from 'node:fs';
import { pythonVenv } from '../python/venv.ts';
import type { ModelFiles, TemporaryRepository } from './make-repository.ts';
import { floodConfig } from './script-models.ts';
import { startServer, type RunningServer } from './start-server.ts';

export const IMPORTS = 'import numpy as np\nimport triton_python_backend_utils as pb_utils\n';

/** A configuration with one input IN and one output OUT of any length. */
export function pythonConfig(datatype: string, more = '', count = 1): string {
  return `backend: "python"
input [ { name: "IN" data_type: TYPE_${datatype} dims: [ -1 ] } ]
output [ { name: "OUT" data_type: TYPE_${datatype} dims: [ -1 ] } ]
instance_group [ { kind: KIND_CPU count: ${count} } ]
${more}`;
}

/** How a Python model answers a request several times. */
export type PythonFlood = 'execute' | 'a thread' | 'a coroutine' | 'one thread for all';

const FLOOD_EXECUTES: Readonly<Record<PythonFlood, string>> = {
  execute: `
    def execute(self, requests):
        for request in requests:
            for _ in answers(request):
                pass
`,
  'a thread': `
    def execute(self, requests):
        for request in requests:
            threading.Thread(target=lambda: [None for _ in answers(request)], daemon=True).start()
`,
  'a coroutine': `
    async def execute(self, requests):
        for request in requests:
            for _ in answers(request):
                await asyncio.sleep(0)
`,
  'one thread for all': `
    def initialize(self, args):
        self.open = queue.Queue()
        threading.Thread(target=self.answer, daemon=True).start()

    def execute(self, requests):
        for request in requests:
            self.open.put(answers(request))

    def answer(self):
        while True:
            some = self.open.get()
            if next(some, None) is not None:
                self.open.put(some)
`,
};

/** `floodModel` in Python, until its client cancels. */
export function pythonFloodModel(flood: PythonFlood): ModelFiles {
  return {
    'config.pbtxt': floodConfig('python'),
    '1/model.py': `${IMPORTS}import asyncio
import os
import queue
import threading

def note(text):
    path = os.path.join(os.path.dirname(__file__), "progress")
    with open(path + "~", "w") as file:
        file.write(text)
    os.replace(path + "~", path)

def answers(request):
    count, size = (int(pb_utils.get_input_tensor_by_name(request, name).as_numpy()[0]) for name in ("COUNT", "SIZE"))
    sender, made = request.get_response_sender(), 0
    text = pb_utils.Tensor("TEXT", np.array(["x" * size], np.object_))
    while made < count and not sender.is_cancelled():
        note(str(made + 1))
        sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("INDEX", np.array([made], np.int32)), text]))
        made += 1
        yield made
    sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
    note(f"{made}!")

class TritonPythonModel:
${FLOOD_EXECUTES[flood]}`,
  };
}

/** Serves a repository with Python models, with the interpreter of the tests. */
export function servePython(
  { path }: TemporaryRepository,
  ...flags: readonly string[]
): Promise<RunningServer> {
  return startServer(path, `--backend-config=python,interpreter=${pythonVenv()}`, ...flags);
}

/** The processes of a server's Python models. */
export function stubsOf(server: RunningServer): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return statOf(pid)[1] === String(server.process.pid) && command.includes('stub.py');
      } catch {
        return false;
      }
    });
}

/** Whether a process is there; one that has ended and is only not asked for its status is not. */
export function isAlive(pid: number): boolean {
  try {
    return statOf(pid)[0] !== 'Z';
  } catch {
    return false;
  }
}

/** State, parent and so on, of /proc: what stands behind the name, which may have spaces. */
function statOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
}
