import assert from 'node:assert/strict';
import test from 'node:test';
import { parseCommandLine, type CommandLine, type Environment } from './command-line.ts';

const REPOSITORY = '--model-repository=models';

function parse(flags: readonly string[], environment: Environment = {}): CommandLine {
  return parseCommandLine([REPOSITORY, ...flags], environment);
}

function rejects(flags: readonly string[], message: string | RegExp): void {
  assert.throws(() => parse(flags), { code: 'INVALID_ARG', message });
}

test('a value follows after = or as the next argument', () => {
  assert.deepEqual(parse(['--http-port=9000', '--grpc-port', '9001']).options, {
    modelRepository: ['models'],
    httpPort: 9000,
    grpcPort: 9001,
  });
});

test('switches are written in several ways, in any case, and alone are true', () => {
  for (const on of ['--allow-http=TRUE', '--allow-http=on', '--allow-http=1', '--allow-http']) {
    assert.equal(parse([on]).options.allowHttp, true);
  }
  for (const off of ['--allow-http=False', '--allow-http=OFF', '--allow-http=0']) {
    assert.equal(parse([off]).options.allowHttp, false);
  }
  assert.equal(parse(['--allow-http', 'off']).options.allowHttp, false);
  const { options } = parse(['--disable-auto-complete-config', '--exit-on-error=false']);
  assert.deepEqual([options.disableAutoCompleteConfig, options.exitOnError], [true, false]);
});

test('the verbose level is a number, and true is 1', () => {
  assert.equal(parse(['--log-verbose']).options.logVerbose, 1);
  assert.equal(parse(['--log-verbose=3']).options.logVerbose, 3);
  assert.equal(parse(['--log-verbose=false']).options.logVerbose, 0);
});

test('repositories add up, under the old name too', () => {
  const { options, warnings } = parse(['--model-store', 'more', '--model-repository', 'last']);
  assert.deepEqual(options.modelRepository, ['models', 'more', 'last']);
  assert.deepEqual(warnings, []);
});

test('without a repository that of the environment is taken', () => {
  const { options } = parseCommandLine([], { AIP_STORAGE_URI: 'gs://bucket/models' });
  assert.deepEqual(options.modelRepository, ['gs://bucket/models']);
  assert.deepEqual(parse([], { AIP_STORAGE_URI: 'gs://x' }).options.modelRepository, ['models']);
});

test('settings add up by what they are for', () => {
  const { options } = parse([
    '--backend-config=onnxruntime,a=1',
    '--backend-config=,b=2',
    '--backend-config=c=x=y,z',
    '--backend-config=onnxruntime,a=3',
    '--cache-config=local,size=1048576',
    '--metrics-config=summary_quantiles=0.5:0.05,0.9:0.01',
  ]);
  assert.deepEqual(options.backendConfig, { onnxruntime: { a: '3' }, '': { b: '2', c: 'x=y,z' } });
  assert.deepEqual(options.cacheConfig, { local: { size: '1048576' } });
  assert.deepEqual(options.metricsConfig, { summary_quantiles: '0.5:0.05,0.9:0.01' });
});

test('restrictions hold their groups, header and value', () => {
  const { options } = parse([
    '--http-restricted-api=model-repository,metadata:admin-key=a=b',
    '--http-restricted-api=trace:k=v',
  ]);
  assert.deepEqual(options.httpRestrictedApi, [
    { groups: ['model-repository', 'metadata'], header: 'admin-key', value: 'a=b' },
    { groups: ['trace'], header: 'k', value: 'v' },
  ]);
});

test('resources and amounts of devices are read', () => {
  const { options } = parse([
    '--rate-limit-resource=slot:4',
    '--rate-limit-resource=gpu:2:1',
    '--model-load-gpu-limit=0:0.8',
  ]);
  assert.deepEqual(options.rateLimitResource, [
    { name: 'slot', count: 4 },
    { name: 'gpu', count: 2, device: 1 },
  ]);
  assert.deepEqual(options.modelLoadGpuLimit, { '0': 0.8 });
});

test('what is no flag is a model repository', () => {
  const { options } = parseCommandLine(['one', '--http-port', '1', '--strict-readiness', 'two'], {});
  assert.deepEqual([options.modelRepository, options.httpPort], [['one', 'two'], 1]);
});

test('an unknown flag names the nearest one', () => {
  rejects(['--model-repositry=x'], 'unknown option --model-repositry; did you mean --model-repository?');
  rejects(['--no-such-flag=1'], 'unknown option --no-such-flag');
  rejects(['--httpPort=1'], 'unknown option --httpPort; did you mean --http-port?');
  rejects(['-m=models'], "unexpected argument '-m=models': options begin with --");
});

test('a bad value names the option, what was expected and found', () => {
  rejects(['--http-port=x'], "option --http-port: expected an integer from 0 to 65535, found 'x'");
  rejects(['--http-port=70000'], "option --http-port: expected an integer from 0 to 65535, found '70000'");
  rejects(['--http-max-input-size=0'], /--http-max-input-size: expected an integer from 1 /);
  rejects(['--allow-http=perhaps'], "option --allow-http: expected true or false, found 'perhaps'");
  rejects(
    ['--model-control-mode=sometimes'],
    "option --model-control-mode: expected one of none, poll, explicit, found 'sometimes'",
  );
  rejects(
    ['--cache-config=size=1'],
    "option --cache-config: expected <cache>,<setting>=<value>, found 'size=1'",
  );
  rejects(['--http-restricted-api=trace'], /expected <group>\[,<group>\]:<header>=<value>, found 'trace'/);
  rejects(['--rate-limit-resource=slot'], /found 'slot'/);
  rejects(['--sagemaker-safe-port-range=1'], /expected <integer>-<integer>, found '1'/);
  rejects(['--id'], 'option --id needs a value');
});

test('old flags stand for new ones, with a warning', () => {
  const { options, warnings } = parse([
    '--strict-model-config=true',
    '--response-cache-byte-size=1000',
    '--trace-file=t.json',
    '--trace-level=TIMESTAMPS',
    '--trace-level=TENSORS',
  ]);
  assert.equal(options.disableAutoCompleteConfig, true);
  assert.deepEqual(options.cacheConfig, { local: { size: '1000' } });
  assert.deepEqual(options.traceConfig, { triton: { file: 't.json' }, '': { level: 'TIMESTAMPS,TENSORS' } });
  assert.equal(warnings.length, 5);
  assert.equal(warnings[2], '--trace-file is deprecated, use --trace-config=triton,file=t.json');
});

test('the old size of the cache cannot be mixed with the new one', () => {
  rejects(
    ['--response-cache-byte-size=1', '--cache-config=local,size=1'],
    /cannot be mixed with --cache-config/,
  );
});

test('flags without effect are listed when they ask for something', () => {
  const flags = ['--http-thread-count=8', '--grpc-infer-thread-count', '16', '--allow-sagemaker'];
  assert.deepEqual(parse(flags).unsupportedOptions, ['grpc-infer-thread-count', 'allow-sagemaker']);
  assert.deepEqual(parse([], { AIP_MODE: 'PREDICTION' }).unsupportedOptions, ['allow-vertex-ai']);
});

test('help is asked for anywhere', () => {
  assert.equal(parseCommandLine(['--no-such-flag', '--help'], {}).help, true);
  assert.equal(parse([]).help, false);
});
