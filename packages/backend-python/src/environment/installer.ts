import type { PythonFacts } from './python-facts.ts';
import type { Requirements } from './requirements.ts';

/** What installers are to do, and with what. */
export interface InstallJob {
  readonly python: PythonFacts;
  readonly requirements: Requirements;
  /** An empty folder that becomes the environment. */
  readonly directory: string;
  /** Nothing is downloaded. */
  readonly offline: boolean;
  /** Only files with known hashes are installed. */
  readonly locked: boolean;
  /** What is installed beside the requirements. */
  readonly added: readonly string[];
  /**
   * Runs a command in the folder of the requirements.
   *
   * @returns What it printed last.
   * @throws InferenceServerError with what the command says of the failure.
   */
  run(command: string, args: readonly string[]): Promise<readonly string[]>;
}

/** A program that makes a virtual environment and installs packages into it. */
export interface Installer {
  readonly name: 'uv' | 'pip';
  install(job: InstallJob): Promise<void>;
}

/** Which installer is to be used. `auto`: uv when it is on the path, or else pip. */
export type InstallerChoice = 'auto' | Installer['name'];
