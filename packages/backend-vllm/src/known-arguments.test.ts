import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { createRecordingLogger } from '@nereid/backend-sdk/testing';
import { findInterpreter, readKnownArguments } from './known-arguments.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'nereid-known-arguments-'));
after(() => rmSync(FOLDER, { recursive: true }));

test("arguments are those of the interpreter's vLLM, which is not imported", async () => {
  write('site/vllm/__init__.py', 'raise RuntimeError("imported")\n');
  write('site/vllm/config/model.py', "from typing import Literal\nModelDType = Literal['auto', 'half']\n");
  write(
    'site/vllm/engine/arg_utils.py',
    `
@dataclass
class EngineArgs:
    model: str = ModelConfig.model
    dtype: ModelDType | None = None
    quantization: "str | None" = None
    _hidden: int = 1

@dataclass
class AsyncEngineArgs(EngineArgs):
    enable_log_requests: bool = False

class Other:
    unrelated: int = 1
`,
  );
  write(
    'site/vllm/entrypoints/openai/cli_args.py',
    'class FrontendArgs:\n    chat_template: str | None = None\n',
  );
  write('site/vllm-1.2.3.dist-info/METADATA', 'Metadata-Version: 2.1\nName: vllm\nVersion: 1.2.3\n');
  const python = write('python', `#!/bin/sh\nPYTHONPATH='${FOLDER}/site' exec python3 "$@"\n`, true);
  const { source, fields } = await readKnownArguments(python, createRecordingLogger([]));
  assert.equal(source, 'vLLM 1.2.3');
  assert.deepEqual(Object.fromEntries(fields), {
    chat_template: 'str | None',
    model: 'str',
    dtype: "Literal['auto', 'half'] | None",
    quantization: 'str | None',
    enable_log_requests: 'bool',
  });
});

test('without an interpreter that has vLLM the list of a version is taken, and said to be', async () => {
  for (const interpreter of [undefined, join(FOLDER, 'no-such-python')]) {
    const { source, fields } = await readKnownArguments(interpreter, createRecordingLogger([]));
    assert.equal(source, 'vLLM 0.32.0, whose arguments are taken for those of the engine');
    assert.equal(fields.get('tensor_parallel_size'), 'int');
    assert.equal(fields.get('tool_call_parser'), 'str | None');
  }
});

test('the interpreter of a script is in its first lines', async () => {
  const short = write('vllm', '#!/opt/venv/bin/python3.11\nimport sys\n', true);
  const long = write('long', `#!/bin/sh\n'''exec' "/opt/very long/bin/python" "$0" "$@"\n' '''\n`, true);
  const other = write('other', '#!/bin/sh\nexec vllm "$@"\n', true);
  assert.equal(await findInterpreter(short), '/opt/venv/bin/python3.11');
  assert.equal(await findInterpreter(long), '/opt/very long/bin/python');
  assert.equal(await findInterpreter(other), undefined);
  assert.equal(await findInterpreter('/no/such/program'), undefined);
});

function write(name: string, text: string, isProgram = false): string {
  const path = join(FOLDER, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  if (isProgram) chmodSync(path, 0o755);
  return path;
}
