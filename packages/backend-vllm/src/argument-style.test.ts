import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  argumentWords,
  LLAMACPP_STYLE,
  SGLANG_STYLE,
  TRTLLM_STYLE,
  VLLM_STYLE,
  type ArgumentStyle,
} from './argument-style.ts';

const VALUES: readonly (readonly [string, unknown])[] = [
  ['max_len', 8],
  ['flash_attn', true],
  ['use_mmap', false],
  ['json_conf', { level: 3 }],
  ['media_dirs', ['a', 'b']],
];

const EXPECTED: readonly (readonly [string, ArgumentStyle, string])[] = [
  ['vLLM', VLLM_STYLE, '--max-len=8 --flash-attn --no-use-mmap --json-conf={"level":3} --media-dirs a b'],
  ['SGLang', SGLANG_STYLE, '--max-len=8 --flash-attn --json-conf={"level":3} --media-dirs a b'],
  [
    'TensorRT-LLM',
    TRTLLM_STYLE,
    '--max_len=8 --flash_attn --json_conf={"level":3} --media_dirs=a --media_dirs=b',
  ],
  [
    'llama.cpp',
    LLAMACPP_STYLE,
    '--max-len 8 --flash-attn --no-use-mmap --json-conf {"level":3} --media-dirs a,b',
  ],
];

for (const [engine, style, line] of EXPECTED) {
  test(`arguments as ${engine} reads them`, () => {
    const words = VALUES.flatMap(([name, value]) => argumentWords(name, value, style).words);
    assert.equal(words.join(' '), line);
  });
}

test('only lists of words would take what follows', () => {
  const open = [VLLM_STYLE, SGLANG_STYLE, TRTLLM_STYLE, LLAMACPP_STYLE].map(
    (style) => argumentWords('x', ['a'], style).isOpen,
  );
  assert.deepEqual(open, [true, true, false, false]);
});
