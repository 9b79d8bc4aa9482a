import { cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { OwnedProcess } from './child-process.ts';
import { findFreePorts } from './free-ports.ts';
import type { RunningServer } from './nereid.ts';
import { waitUntilReady } from './wait-until-ready.ts';

/** What the interpreter of an environment says of itself. */
interface Environment {
  /** As in `3.11`. */
  readonly version: string;
  readonly libraries: string;
  readonly packages: string;
}

const DESCRIBE = `import json, sys, sysconfig
print(json.dumps({"version": "%d.%d" % sys.version_info[:2], "libraries": sysconfig.get_config_var("LIBDIR"),
  "packages": sysconfig.get_paths()["platlib"]}))`;

/**
 * Starts the Triton that comes with PyPI's `nvidia-pytriton`, with its Python backend.
 *
 * @param environment - Folder of a virtual environment that has `nvidia-pytriton`.
 * @throws Error when it ends instead of getting ready.
 */
export async function startTriton(
  environment: string,
  repository: string,
  directory: string,
): Promise<RunningServer> {
  const python = describeEnvironment(environment);
  const home = join(python.packages, 'pytriton', 'tritonserver');
  const [http = 0, grpc = 0, metrics = 0] = await findFreePorts(3);
  const started = performance.now();
  const child = new OwnedProcess(
    [
      `--model-repository=${repository}`,
      `--backend-directory=${createBackends(home, python, directory)}`,
      '--http-address=127.0.0.1',
      `--http-port=${http}`,
      '--grpc-address=127.0.0.1',
      `--grpc-port=${grpc}`,
      `--metrics-port=${metrics}`,
      '--log-info=false',
    ],
    join(home, 'bin', 'tritonserver'),
    { LD_LIBRARY_PATH: `${join(python.packages, 'nvidia_pytriton.libs')}:${python.libraries}` },
  );
  child.discardOutput();
  try {
    await waitUntilReady(child, http, started);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    pid: child.pid,
    httpUrl: `http://127.0.0.1:${http}`,
    grpcAddress: `127.0.0.1:${grpc}`,
    readyMs: performance.now() - started,
    [Symbol.asyncDispose]: () => child.stop(),
  };
}

function describeEnvironment(environment: string): Environment {
  const interpreter = join(environment, 'bin', 'python');
  return JSON.parse(execFileSync(interpreter, ['-c', DESCRIBE], { encoding: 'utf8' })) as Environment;
}

/** A folder of backends with the stub of this Python, and numpy: the stub looks beside itself, not at PYTHONPATH. */
function createBackends(home: string, { version, packages }: Environment, directory: string): string {
  const backends = mkdtempSync(join(directory, 'triton-backends-'));
  const python = join(backends, 'python');
  mkdirSync(python);
  cpSync(join(home, 'backends', 'python'), python, { recursive: true });
  cpSync(join(home, 'python_backend_stubs', version), python, { recursive: true });
  for (const name of readdirSync(packages).filter((found) => /^numpy(\.libs)?$/.test(found)))
    symlinkSync(join(packages, name), join(python, name));
  return backends;
}
