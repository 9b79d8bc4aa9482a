import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AnswerHeaders } from './answer-head.ts';
import { AnswerParser } from './answer-parser.ts';
import { BadAnswerError } from './bad-answer-error.ts';

/** What came of an answer. */
interface Parsed {
  status: number;
  headers: AnswerHeaders;
  body: string;
  /** Calls of `onData`. */
  pieces: number;
  isDone: boolean;
  keepsAlive: boolean;
  keepAliveSeconds: number | undefined;
}

/** Reads an answer that comes in these pieces, each in memory that is used again. */
function parse(...pieces: readonly (string | Buffer)[]): Parsed {
  const headers: AnswerHeaders = new Map();
  const parsed = { status: 0, headers, body: '', pieces: 0, isDone: false };
  const parser = new AnswerParser({
    onStatus: (status, found) => Object.assign(parsed, { status, headers: found }),
    onData: (chunk) => {
      parsed.body += chunk.toString('latin1');
      parsed.pieces += 1;
    },
  });
  const memory = Buffer.alloc(70_000);
  for (const piece of pieces) {
    assert.equal(parsed.isDone, false, 'more came after the end');
    const bytes = memory.subarray(0, Buffer.from(piece).copy(memory));
    parsed.isDone = parser.push(bytes);
    memory.fill('#');
  }
  const { keepsAlive, keepAliveSeconds } = parser;
  return { ...parsed, keepsAlive, keepAliveSeconds };
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\n';

/** Answers as engines give them, and the same in unusual forms. */
const ANSWERS: readonly (readonly [name: string, answer: string, body: string])[] = [
  ['a stream', `${HEAD}9\r\ndata: a\n\n\r\na\r\ndata: bb\n\n\r\n0\r\n\r\n`, 'data: a\n\ndata: bb\n\n'],
  [
    'chunks with extensions and trailers',
    `${HEAD}3;q="x"\r\nabc\r\n00B \r\ndefghijklmn\r\n0;last\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n`,
    'abcdefghijklmn',
  ],
  ['a body that looks like frames', `${HEAD}7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n`, '0\r\n\r\n\r\n'],
  ['a body of a stated length', `${OK}Content-Length: 11\r\n\r\n{"a":[1,2]}`, '{"a":[1,2]}'],
  ['an empty body', `${OK}content-length: 0\r\n\r\n`, ''],
  ['an answer without a body', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
  [
    'an answer that was announced',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 429 \r\ncontent-length: 2\r\n\r\n{}',
    '{}',
  ],
];

for (const [name, answer, body] of ANSWERS) {
  describe(`reads ${name}`, () => {
    const whole = parse(answer);

    test('whole', () => {
      assert.deepEqual([whole.body, whole.isDone, whole.keepsAlive], [body, true, true]);
      assert.equal(whole.pieces, body === '' ? 0 : 1);
    });

    test('cut at each two places', () => {
      for (let first = 1; first < answer.length; first += 1) {
        for (let second = first + 1; second <= answer.length; second += 1) {
          const cut = parse(
            answer.slice(0, first),
            answer.slice(first, second),
            ...(second < answer.length ? [answer.slice(second)] : []),
          );
          assert.deepEqual({ ...cut, pieces: 0 }, { ...whole, pieces: 0 }, `cut at ${first} and ${second}`);
        }
      }
    });

    test('byte by byte', () => {
      assert.deepEqual({ ...parse(...answer), pieces: 0 }, { ...whole, pieces: 0 });
    });

    test('without its last byte as one that is not complete', () => {
      assert.equal(parse(answer.slice(0, -1)).isDone, false);
    });

    test('with bytes behind it as the last on its connection', () => {
      assert.deepEqual([parse(`${answer}H`).isDone, parse(`${answer}H`).keepsAlive], [true, false]);
    });
  });
}

test('reads a large body in pieces of any size', () => {
  const chunk = 'x'.repeat(10_000);
  const answer = `${HEAD}${`2710\r\n${chunk}\r\n`.repeat(30)}0\r\n\r\n`;
  for (const size of [1000, 9999, 10_001, 65_536]) {
    const pieces = Array.from({ length: Math.ceil(answer.length / size) }, (_, at) =>
      answer.slice(at * size, (at + 1) * size),
    );
    const { body, isDone } = parse(...pieces);
    assert.deepEqual([body === chunk.repeat(30), isDone], [true, true]);
  }
});

test('reads a body without a length up to the end of the connection', () => {
  const parser = new AnswerParser({ onStatus: () => undefined, onData: () => undefined });
  assert.equal(parser.isEndedByConnection, false);
  assert.equal(parser.push(Buffer.from('HTTP/1.0 200 OK\r\n\r\nabc')), false);
  assert.deepEqual([parser.isEndedByConnection, parser.keepsAlive], [true, false]);
});

test('joins headers of one name, whatever its case, without the space around values', () => {
  const { headers } = parse(`${OK}X-A:  1 \r\nx-a:2\r\nRetry-After:\t7\r\nContent-Length: 0\r\n\r\n`);
  assert.deepEqual([headers.get('x-a'), headers.get('retry-after')], ['1, 2', '7']);
});

for (const [head, keepsAlive] of [
  [`${OK}content-length: 0`, true],
  [`${OK}content-length: 0\r\nConnection: Close`, false],
  [`${OK}content-length: 0\r\nConnection: x, close`, false],
  ['HTTP/1.0 200 OK\r\ncontent-length: 0', false],
  ['HTTP/1.0 200 OK\r\ncontent-length: 0\r\nConnection: Keep-Alive', true],
  [`${OK}content-length: 0, 0`, true],
] as const) {
  test(`${keepsAlive ? 'keeps' : 'does not keep'} a connection after ${JSON.stringify(head)}`, () => {
    assert.equal(parse(`${head}\r\n\r\n`).keepsAlive, keepsAlive);
  });
}

test('does not keep a connection on which a body has two ends', () => {
  const { body, keepsAlive } = parse(
    `${OK}transfer-encoding: chunked\r\ncontent-length: 9\r\n\r\n1\r\na\r\n0\r\n\r\n`,
  );
  assert.deepEqual([body, keepsAlive], ['a', false]);
});

test('says how long a connection is kept', () => {
  assert.equal(parse(`${OK}content-length: 0\r\nKeep-Alive: timeout=5, max=100\r\n\r\n`).keepAliveSeconds, 5);
});

for (const [found, message] of [
  ['SSH-2.0-OpenSSH\r\n\r\n', /expected a status line of HTTP\/1.1, found "SSH-2.0-OpenSSH"/],
  ['HTTP/2 200\r\n\r\n', /status line/],
  ['HTTP/1.1 2000 OK\r\n\r\n', /status line/],
  ['HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n', /switch of protocols/],
  [`${OK}no colon\r\n\r\n`, /expected a header 'name: value', found "no colon"/],
  [`${OK}a: 1\r\n folded\r\n\r\n`, /expected a header/],
  [`${OK}a : 1\r\n\r\n`, /expected a header/],
  [`${OK}content-length: x\r\n\r\n`, /expected a number of bytes as content-length, found "x"/],
  [`${OK}content-length: -1\r\n\r\n`, /content-length/],
  [`${OK}content-length: 1, 2\r\n\r\n`, /content-length, found "1, 2"/],
  [
    `${OK}transfer-encoding: gzip, chunked\r\n\r\n`,
    /expected the transfer-encoding 'chunked', found "gzip, chunked"/,
  ],
  [`${HEAD}x\r\n`, /expected the size of a chunk in hexadecimal digits, found "x"/],
  [`${HEAD}\r\n`, /expected the size of a chunk/],
  [`${HEAD}ffffffffffffffff\r\n`, /expected a chunk of less than/],
  [`${HEAD}1\rx`, /expected a line feed behind the size of a chunk, found "x"/],
  [`${HEAD}1\r\nabc`, /expected a line end behind a chunk, found "b"/],
  [`${HEAD}1\r\na\rb`, /expected a line end behind a chunk, found "b"/],
  [`${HEAD}0\r\n\rx`, /expected a line feed at the end of the body, found "x"/],
  [`${HEAD}1;${'x'.repeat(5000)}`, /expected a chunk size of at most 4096 bytes/],
] as const) {
  test(`refuses ${JSON.stringify(found.slice(0, 120))}`, () => {
    assert.throws(
      () => parse(found),
      (error) => error instanceof BadAnswerError && message.test(error.message),
    );
    assert.throws(() => parse(...found), BadAnswerError);
  });
}

test('refuses heads and trailers without end', () => {
  const line = `x: ${'y'.repeat(1000)}\r\n`;
  const lines = Array.from({ length: 70 }, () => line);
  assert.throws(() => parse(OK, ...lines), /expected a head of at most 65536 bytes, found "HTTP\/1.1 200 OK/);
  assert.throws(() => parse(`${HEAD}0\r\n`, ...lines), /expected trailers of at most 65536 bytes/);
});
