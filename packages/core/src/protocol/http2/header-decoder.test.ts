import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeaderDecoder } from './header-decoder.ts';
import { HeaderEncoder, type AnswerHeaders } from './header-encoder.ts';
import { HTTP2_ERROR } from './frames.ts';
import { Http2ConnectionError } from './http2-error.ts';

/** Decodes a block; fields as `name: value`. */
function decode(decoder: HeaderDecoder, block: Buffer): string[] {
  const fields: string[] = [];
  decoder.decode(block, ({ name, value }) => fields.push(`${name}: ${value}`));
  return fields;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

test("decodes the examples of HPACK's own document: three requests of one connection, plain and packed", () => {
  const plain = [
    '828684410f7777772e6578616d706c652e636f6d',
    '828684be58086e6f2d6361636865',
    '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
  ];
  const packed = [
    '828684418cf1e3c2e5f23a6ba0ab90f4ff',
    '828684be5886a8eb10649cbf',
    '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
  ];
  const expected = [
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
    [
      ':method: GET',
      ':scheme: https',
      ':path: /index.html',
      ':authority: www.example.com',
      'custom-key: custom-value',
    ],
  ];
  for (const blocks of [plain, packed]) {
    const decoder = new HeaderDecoder();
    assert.deepEqual(
      blocks.map((block) => decode(decoder, hex(block))),
      expected,
    );
  }
});

test('drops the oldest fields of a table that is made smaller, or full', () => {
  const decoder = new HeaderDecoder();
  const field = (name: string, value: string): Buffer =>
    Buffer.concat([
      Buffer.from([0x40, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]);
  decode(decoder, Buffer.concat([field('a', '1'), field('b', '2')]));
  assert.deepEqual(decode(decoder, hex('be bf')), ['b: 2', 'a: 1']);
  // 34 bytes: one field.
  assert.deepEqual(decode(decoder, hex('3f 03 be')), ['b: 2']);
  assert.throws(() => decode(decoder, hex('bf')), { code: HTTP2_ERROR.COMPRESSION_ERROR });
  assert.deepEqual(decode(decoder, hex('20')), []);
  assert.throws(() => decode(decoder, hex('be')), { code: HTTP2_ERROR.COMPRESSION_ERROR });
});

test('what is no header block ends the connection', () => {
  const cases = {
    'an index of nothing': '80',
    'an index beyond the tables': 'ff 80 01',
    'a number without an end': 'ff ff ff ff ff ff ff',
    'a block that ends within a number': 'ff',
    'a block that ends within a name': '40 05 61',
    'a block that ends before a value': '40 01 61',
    'a larger table than is allowed': '3f e2 1f',
    'a packed text with an end mark': '40 84 ff ff ff ff 01 61',
    'a packed text with zeros at its end': '40 81 00 01 61',
    'a packed text with a whole byte of padding': '40 82 1f ff 01 61',
  };
  for (const [name, block] of Object.entries(cases)) {
    assert.throws(() => decode(new HeaderDecoder(), hex(block)), Http2ConnectionError, name);
  }
});

test('headers of answers read as they were written, however often, and are three bytes from the second time on', () => {
  const text = fc.string({
    unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
    maxLength: 300,
  });
  const name = text.map((value) => `x-${value.toLowerCase()}`);
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.tuple(name, text), { maxLength: 4 }), { maxLength: 4 }),
      fc.boolean(),
      (sets, limits) => {
        const answers: AnswerHeaders[] = [
          [
            [':status', '200'],
            ['content-type', 'application/grpc'],
            ['grpc-accept-encoding', 'identity'],
          ],
          ...sets,
        ];
        const encoder = new HeaderEncoder();
        const decoder = new HeaderDecoder();
        if (limits) encoder.limitTable(0);
        for (let round = 0; round < 3; round += 1) {
          for (const [at, headers] of answers.entries()) {
            const block = at === 0 ? encoder.encodeRepeated(headers) : encoder.encode(headers);
            assert.deepEqual(
              decode(decoder, block),
              headers.map(([key, value]) => `${key}: ${value}`),
            );
            if (at === 0 && round > 0 && !limits) assert.equal(block.length, 3);
          }
        }
      },
    ),
  );
});

test('a client without a table is told so once, and gets the fields whole', () => {
  const encoder = new HeaderEncoder();
  const headers: AnswerHeaders = [['grpc-status', '0']];
  encoder.encodeRepeated(headers);
  encoder.limitTable(100);
  const [first, second, third] = [1, 2, 3].map(() => encoder.encodeRepeated(headers));
  assert.equal(first?.[0], 0x20);
  assert.deepEqual(first?.subarray(1), second);
  assert.deepEqual(second, third);
  assert.deepEqual(decode(new HeaderDecoder(), second ?? Buffer.alloc(0)), ['grpc-status: 0']);
});
