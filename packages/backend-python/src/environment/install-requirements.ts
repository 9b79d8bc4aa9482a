import { dirname } from 'node:path';
import { InferenceServerError, type Logger } from '@nereid/backend-sdk';
import { describeFailure } from './describe-failure.ts';
import type { Installer, InstallerChoice } from './installer.ts';
import { isMilestone } from './milestones.ts';
import { pipInstaller } from './pip-installer.ts';
import type { PythonFacts } from './python-facts.ts';
import type { Requirements } from './requirements.ts';
import { runCommand } from './run-command.ts';
import { uvInstaller } from './uv-installer.ts';

/** What is installed where, and how. */
export interface Installation {
  readonly modelName: string;
  readonly python: PythonFacts;
  readonly requirements: Requirements;
  /** An empty folder that becomes the environment. */
  readonly directory: string;
  readonly settings: {
    readonly installer: InstallerChoice;
    readonly offline: boolean;
    readonly locked: boolean;
  };
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const OFFLINE_NOTE =
  " (with environment-offline=true packages come from uv's cache or the folder that PIP_FIND_LINKS names)";

/**
 * Makes a virtual environment with the requirements in it, and with numpy, which tensors are made of. Locked
 * requirements have to name numpy themselves.
 *
 * @throws InferenceServerError naming the files and the reason that the installer gives.
 */
export async function installRequirements(job: Installation): Promise<void> {
  const { requirements, settings, logger, signal, modelName: model } = job;
  const installer = await chooseInstaller(settings.installer, signal);
  const files = requirements.files.join(' and ');
  const onLine = (line: string): void => {
    if (isMilestone(line)) logger.info(`${installer.name}: ${line.trim()}`, { model });
    else logger.verbose(1, `${installer.name}: ${line}`, { model });
  };
  await installer.install({
    python: job.python,
    requirements,
    directory: job.directory,
    offline: settings.offline,
    locked: settings.locked,
    added: settings.locked || requirements.isLocked ? [] : ['numpy'],
    run: async (command, args) => {
      // Paths in a file with requirements count from its folder.
      const cwd = dirname(requirements.files[0] ?? job.directory);
      const result = await runCommand({ command, args, cwd, signal, onLine });
      if (result.kind === 'ended' && result.status === 0) return result.lines;
      const why = result.kind === 'missing' ? `there is no '${command}'` : describeFailure(result.lines);
      const note = settings.offline ? OFFLINE_NOTE : '';
      throw new InferenceServerError('INTERNAL', `${installer.name} can't install ${files}: ${why}${note}`);
    },
  });
}

async function chooseInstaller(choice: InstallerChoice, signal: AbortSignal): Promise<Installer> {
  if (choice !== 'auto') return choice === 'uv' ? uvInstaller : pipInstaller;
  const uv = await runCommand({ command: 'uv', args: ['--version'], signal });
  return uv.kind === 'ended' && uv.status === 0 ? uvInstaller : pipInstaller;
}
