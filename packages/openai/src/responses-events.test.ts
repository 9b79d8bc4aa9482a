import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonArray, memberOf, type JsonObject, type JsonValue } from '@nereid/protocol/http';
import { ResponseEvents } from './responses-events.ts';
import type { ResponseEvent } from './responses-items.ts';

const REQUEST = { model: 'm', input: 'hello', temperature: 0.5, metadata: { a: 'b' } };

interface Made {
  readonly events: readonly ResponseEvent[];
  readonly response: JsonObject;
}

function make(chunks: readonly JsonValue[], request: JsonObject = REQUEST): Made {
  const events: ResponseEvent[] = [];
  const made = new ResponseEvents(request, (event) => events.push(event));
  made.start();
  for (const chunk of chunks) made.add(chunk);
  return { events, response: made.finish() };
}

function delta(fields: JsonObject, reason: string | null = null): JsonObject {
  return { choices: [{ index: 0, delta: fields, finish_reason: reason }] };
}

function typesOf(events: readonly ResponseEvent[]): readonly string[] {
  return events.map(({ type }) => type.replace('response.', ''));
}

const USAGE = {
  choices: [],
  usage: {
    prompt_tokens: 3,
    completion_tokens: 2,
    total_tokens: 5,
    prompt_tokens_details: { cached_tokens: 1 },
  },
};

test('a text is one message', () => {
  const { events, response } = make([
    delta({ role: 'assistant', content: '' }),
    delta({ content: 'one ' }),
    delta({ content: 'two' }),
    delta({}, 'stop'),
    USAGE,
  ]);
  assert.deepEqual(typesOf(events), [
    ...['created', 'in_progress', 'output_item.added', 'content_part.added'],
    ...['output_text.delta', 'output_text.delta', 'output_text.done', 'content_part.done'],
    ...['output_item.done', 'completed'],
  ]);
  assert.deepEqual(
    events.map((event) => event['sequence_number']),
    events.map((_, at) => at),
  );
  const [item] = response['output'] as readonly JsonObject[];
  assert.deepEqual(
    { ...item, id: '' },
    {
      id: '',
      type: 'message',
      status: 'completed',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'one two', annotations: [], logprobs: [] }],
    },
  );
  assert.deepEqual(response['usage'], {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 1 },
    output_tokens: 2,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 5,
  });
  assert.deepEqual(
    [response['status'], response['temperature'], response['metadata']],
    ['completed', 0.5, { a: 'b' }],
  );
});

test('the events of an item name it and its place', () => {
  const { events } = make([delta({ content: 'x' }), delta({}, 'stop')]);
  const about = events.filter(({ item_id: id }) => id !== undefined);
  const added = events.find(({ type }) => type === 'response.output_item.added');
  const id = memberOf(added?.['item'], 'id');
  assert.ok(about.length > 0);
  for (const event of about) assert.deepEqual([event['item_id'], event['output_index']], [id, 0]);
});

test('thoughts, text and calls are items of their own, calls with their arguments put together', () => {
  const call = (index: number, fields: JsonObject): JsonObject =>
    delta({ tool_calls: [{ index, ...fields }] });
  const { events, response } = make([
    delta({ reasoning_content: 'hm' }),
    delta({ content: 'wait' }),
    call(0, { id: 'c1', type: 'function', function: { name: 'add', arguments: '' } }),
    call(0, { function: { arguments: '{"a":' } }),
    call(0, { function: { arguments: '1}' } }),
    call(1, { id: 'c2', type: 'function', function: { name: 'sub', arguments: '{}' } }),
    delta({}, 'tool_calls'),
  ]);
  const output = response['output'] as readonly JsonObject[];
  assert.deepEqual(
    output.map(({ type }) => type),
    ['reasoning', 'message', 'function_call', 'function_call'],
  );
  assert.deepEqual(output[0]?.['content'], [{ type: 'reasoning_text', text: 'hm' }]);
  assert.deepEqual(
    output.slice(2).map((item) => [item['call_id'], item['name'], item['arguments']]),
    [
      ['c1', 'add', '{"a":1}'],
      ['c2', 'sub', '{}'],
    ],
  );
  const deltas = events.filter(({ type }) => type === 'response.function_call_arguments.delta');
  assert.deepEqual(
    deltas.map((event) => [event['output_index'], event['delta']]),
    [
      [2, '{"a":'],
      [2, '1}'],
      [3, '{}'],
    ],
  );
  assert.ok(typesOf(events).includes('reasoning_text.delta'));
});

test('a whole chat completion makes the same response as its chunks', () => {
  const tool_calls = [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }];
  const message = { role: 'assistant', content: 'hi', tool_calls };
  const whole = make([
    { choices: [{ index: 0, message, finish_reason: 'tool_calls' }], ...{ usage: USAGE.usage } },
  ]);
  const chunks = make([
    delta({ content: 'h' }),
    delta({ content: 'i' }),
    delta({ tool_calls }, 'tool_calls'),
    USAGE,
  ]);
  const comparable = ({ response }: Made): unknown =>
    JSON.parse(JSON.stringify(response).replaceAll(/"(?:resp|msg|fc)_\w+"|(?<=_at":)\d+/g, '0'));
  assert.deepEqual(comparable(whole), comparable(chunks));
});

test('a refusal is a part of the message', () => {
  const { events, response } = make([delta({ refusal: 'no' }), delta({}, 'stop')]);
  const [item] = response['output'] as readonly JsonObject[];
  assert.deepEqual(item?.['content'], [{ type: 'refusal', refusal: 'no' }]);
  assert.ok(typesOf(events).includes('refusal.done'));
});

test('log probabilities go along with their text', () => {
  const logprob = { token: 'x', logprob: -0.5, bytes: [120], top_logprobs: [] };
  const chunk = {
    choices: [{ delta: { content: 'x' }, logprobs: { content: [logprob] }, finish_reason: 'stop' }],
  };
  const { response } = make([chunk]);
  const [item] = response['output'] as readonly JsonObject[];
  const content = memberOf(item, 'content');
  assert.deepEqual(memberOf(isJsonArray(content) ? content[0] : undefined, 'logprobs'), [logprob]);
});

for (const [reason, why] of [
  ['length', 'max_output_tokens'],
  ['content_filter', 'content_filter'],
] as const) {
  test(`a text that ends by ${reason} is incomplete`, () => {
    const { events, response } = make([delta({ content: 'x' }, reason)]);
    assert.equal(typesOf(events).at(-1), 'incomplete');
    assert.deepEqual([response['status'], response['incomplete_details']], ['incomplete', { reason: why }]);
  });
}

test('an error ends the open item and the response', () => {
  const events: ResponseEvent[] = [];
  const made = new ResponseEvents(REQUEST, (event) => events.push(event));
  made.start();
  made.add(delta({ content: 'x' }));
  const response = made.fail({ message: 'engine gone' });
  assert.deepEqual(typesOf(events).slice(-2), ['output_item.done', 'failed']);
  assert.deepEqual(
    [response['status'], response['error']],
    ['failed', { code: 'server_error', message: 'engine gone' }],
  );
});
