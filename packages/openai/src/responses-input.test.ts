import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toMessages } from './responses-input.ts';

test('a text is what the user says, instructions are the system', () => {
  assert.deepEqual(toMessages({ input: 'hello', instructions: 'be short' }), [
    { role: 'system', content: 'be short' },
    { role: 'user', content: 'hello' },
  ]);
});

test('messages keep their roles, but for the developer; parts that are text become one', () => {
  const parts = [
    { type: 'input_text', text: 'a' },
    { type: 'input_text', text: 'b' },
  ];
  const said = [
    { type: 'output_text', text: 'yes', annotations: [] },
    { type: 'refusal', refusal: ' no' },
  ];
  const messages = toMessages({
    input: [
      { role: 'developer', content: 'rules' },
      { type: 'message', role: 'user', content: parts },
      { type: 'message', role: 'assistant', id: 'msg_1', status: 'completed', content: said },
    ],
  });
  assert.deepEqual(messages, [
    { role: 'system', content: 'rules' },
    { role: 'user', content: 'ab' },
    { role: 'assistant', content: 'yes no' },
  ]);
});

test('images are parts', () => {
  const content = [
    { type: 'input_text', text: 'what is this?' },
    { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'low' },
  ];
  assert.deepEqual(toMessages({ input: [{ role: 'user', content }] }), [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'what is this?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
      ],
    },
  ]);
});

test('calls of one turn are one message of the assistant, their outputs messages of tools', () => {
  const call = (id: string): Record<string, string> => ({
    type: 'function_call',
    call_id: id,
    name: 'add',
    arguments: '{}',
  });
  const messages = toMessages({
    input: [
      { role: 'user', content: 'sum' },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      call('c1'),
      call('c2'),
      { type: 'function_call_output', call_id: 'c1', output: '3' },
      { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: '4' }] },
    ],
  });
  const calls = ['c1', 'c2'].map((id) => ({
    id,
    type: 'function',
    function: { name: 'add', arguments: '{}' },
  }));
  assert.deepEqual(messages, [
    { role: 'user', content: 'sum' },
    { role: 'assistant', content: null, tool_calls: calls },
    { role: 'tool', tool_call_id: 'c1', content: '3' },
    { role: 'tool', tool_call_id: 'c2', content: '4' },
  ]);
});

const WRONG: readonly (readonly [unknown, RegExp])[] = [
  [undefined, /^'input' must be a text or a list of items, found nothing$/],
  [['x'], /^'input\[0\]' must be an object, found "x"$/],
  [
    [{ role: 'robot', content: '' }],
    /^'input\[0\]\.role' must be user, assistant, system or developer, found/,
  ],
  [
    [{ type: 'item_reference', id: 'x' }],
    /^'input\[0\]\.type' must be 'message', .* found "item_reference"$/,
  ],
  [
    [{ type: 'function_call', name: 'f', arguments: '' }],
    /^'input\[0\]\.call_id' must be a string, found nothing$/,
  ],
  [
    [{ role: 'user', content: [{ type: 'input_file' }] }],
    /^'input\[0\]\.content\[0\]\.type' must be 'input_text'/,
  ],
  [
    [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }],
    /file_id' is not taken: there are no stored files/,
  ],
];

for (const [input, message] of WRONG) {
  test(`refuses ${JSON.stringify(input) ?? 'no input'}`, () => {
    const json = JSON.parse(JSON.stringify({ input }));
    assert.throws(() => toMessages(json), { code: 'INVALID_ARG', message });
  });
}
