import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { ServerLogger, type LogOptions } from './logger.ts';

const OPTIONS: LogOptions = {
  file: '',
  info: true,
  warning: true,
  error: true,
  verboseLevel: 0,
  format: 'default',
  escapeMessages: true,
};
const TIME = Date.UTC(2026, 10, 21, 6, 12, 33, 123) + 0.456;

function createLogger(options: Partial<LogOptions> = {}): { logger: ServerLogger; lines: string[] } {
  const lines: string[] = [];
  const output = (line: string): void => {
    lines.push(line.replace(` ${process.pid} `, ' 7 '));
  };
  return { logger: new ServerLogger({ ...OPTIONS, ...options }, { output, timeMs: () => TIME }), lines };
}

test('lines have the default format of Triton', () => {
  const { logger, lines } = createLogger();
  const models = logger.child('models');
  models.info('loading: addsub:1');
  models.warning('odd');
  models.error('bad');
  assert.deepEqual(lines, [
    'I1121 06:12:33.123456 7 models] "loading: addsub:1"\n',
    'W1121 06:12:33.123456 7 models] "odd"\n',
    'E1121 06:12:33.123456 7 models] "bad"\n',
  ]);
});

test('lines have the ISO 8601 format of Triton when it is set', () => {
  const { logger, lines } = createLogger({ format: 'ISO8601' });
  logger.warning('odd');
  assert.deepEqual(lines, ['2026-11-21T06:12:33Z WARNING 7 server] "odd"\n']);
});

test('json lines hold everything as members', () => {
  const { logger, lines } = createLogger({ format: 'json' });
  logger.error('bad', { requestId: '42', model: 'm', version: '1', traceId: '3' });
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    time: '2026-11-21T06:12:33.123Z',
    severity: 'ERROR',
    pid: process.pid,
    component: 'server',
    message: 'bad',
    request_id: '42',
    trace_id: '3',
    model: 'm',
    version: '1',
  });
});

test('a message cannot forge a line, whatever its fields hold', () => {
  const { logger, lines } = createLogger();
  logger.info('name\nI1121 "x"', { requestId: 'a\nb', model: 'm', traceId: '3' });
  assert.deepEqual(lines, [
    'I1121 06:12:33.123456 7 server] "name\\nI1121 \\"x\\"" request_id="a\\nb" trace_id="3" model="m"\n',
  ]);
});

test('messages are written as they are when escaping is off', () => {
  const { logger, lines } = createLogger({ escapeMessages: false });
  logger.info('say "x"');
  assert.deepEqual(lines, ['I1121 06:12:33.123456 7 server] say "x"\n']);
});

test('the stack of a cause and of its own cause is on the line', () => {
  const { logger, lines } = createLogger();
  logger.error('bad', { cause: new Error('outer', { cause: new Error('inner') }) });
  logger.error('bad', { cause: 'text' });
  assert.match(lines[0] ?? '', / cause="Error: outer\\n .*\\ncaused by: Error: inner\\n/);
  assert.match(lines[1] ?? '', / cause="text"\n$/);
});

test('severities are switched, for children too', () => {
  const { logger, lines } = createLogger();
  const child = logger.child('models');
  logger.update({ log_info: false, log_error: false });
  child.info('no');
  child.error('no');
  child.warning('yes');
  assert.equal(lines.length, 1);
});

test('verbose lines appear from their level on', () => {
  const { logger, lines } = createLogger({ verboseLevel: 1 });
  logger.verbose(2, 'no');
  logger.verbose(1, 'yes');
  assert.deepEqual(lines, ['I1121 06:12:33.123456 7 server] "yes"\n']);
});

test('the settings are those of the logging extension', () => {
  const { logger } = createLogger();
  assert.deepEqual(logger.settings, {
    log_file: '',
    log_info: true,
    log_warning: true,
    log_error: true,
    log_verbose_level: 0,
    log_format: 'default',
  });
});

test('an update changes what it names: null and unknown members change nothing', () => {
  const { logger } = createLogger();
  const update = { log_info: null, log_verbose_level: 1, log_format: 'ISO8601', log_colour: true };
  assert.deepEqual(logger.update(update), {
    ...logger.settings,
    log_verbose_level: 1,
    log_format: 'ISO8601',
  });
  assert.equal(logger.settings.log_info, true);
});

test('the log file and unknown formats are refused, and nothing changes', () => {
  const { logger } = createLogger();
  const before = logger.settings;
  assert.throws(() => logger.update({ log_file: 'x.log', log_info: false }), {
    code: 'UNSUPPORTED',
    message: 'log file location can not be updated through network protocol',
  });
  assert.throws(() => logger.update({ log_format: 'xml' }), {
    code: 'UNAVAILABLE',
    message: 'invalid argument for --log_format, got: xml',
  });
  assert.equal(logger.settings, before);
});

test('a log file is added to', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'log-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'server.log');
  new ServerLogger({ ...OPTIONS, file }).info('one');
  new ServerLogger({ ...OPTIONS, file }).info('two');
  assert.match(await readFile(file, 'utf8'), /^I.*"one"\nI.*"two"\n$/);
});

test('a log file that cannot be written is named', () => {
  const file = join(tmpdir(), 'no-such-folder', 'x.log');
  assert.throws(() => new ServerLogger({ ...OPTIONS, file }), {
    code: 'INVALID_ARG',
    message: /--log-file: cannot write '.*x\.log'/,
  });
});
