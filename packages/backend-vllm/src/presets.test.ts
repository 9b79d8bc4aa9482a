import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPreset, PRESET_NAMES } from './presets.ts';

const COMMANDS: Readonly<Record<string, string | undefined>> = {
  vllm: 'prog serve org/m --served-model-name=llama --host=127.0.0.1 --port=81',
  trtllm: 'prog org/m --host 127.0.0.1 --port 81',
  sglang:
    'prog -m sglang.launch_server --model-path org/m --served-model-name llama --host 127.0.0.1 --port 81 --enable-metrics',
  llamacpp: 'prog -m org/m --alias llama --host 127.0.0.1 --port 81 --metrics',
  nim: undefined,
  openai: undefined,
};

test('each engine is started by its own command line, on the loopback interface', () => {
  const given = { program: ['prog'], model: 'org/m', port: 81, served: 'llama' };
  const commands = PRESET_NAMES.map((name) => [name, findPreset(name)?.command?.(given).join(' ')]);
  assert.deepEqual(Object.fromEntries(commands), COMMANDS);
});

test('an engine that can be started has a program, and a health to wait for', () => {
  for (const preset of PRESET_NAMES.map(findPreset)) {
    assert.equal(preset?.command === undefined, preset?.program === undefined);
    if (preset?.command !== undefined) assert.equal(preset.health, '/health');
  }
});
