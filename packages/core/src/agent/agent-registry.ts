import type { RepositoryAgent } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { sdkProblemOf, type ExtensionManifest } from '../backend/extension-manifest.ts';
import { importEntry } from '../backend/load-backend.ts';

/** A repository agent that was found, usable or not. */
export interface RepositoryAgentStatus {
  readonly manifest: ExtensionManifest;
  /** Undefined when it can be used. */
  readonly problem: InferenceServerError | undefined;
}

/** The repository agents by name. One is imported when the first model wants it: most servers need none. */
export class AgentRegistry {
  readonly #agents = new Map<string, RepositoryAgentStatus>();

  constructor(manifests: readonly ExtensionManifest[]) {
    for (const manifest of manifests)
      this.#agents.set(manifest.name, { manifest, problem: sdkProblemOf(manifest) });
  }

  /** All agents that were found, by name. */
  status(): readonly RepositoryAgentStatus[] {
    return [...this.#agents.values()].sort((a, b) => (a.manifest.name < b.manifest.name ? -1 : 1));
  }

  /**
   * An agent by its name.
   *
   * @throws InferenceServerError INVALID_ARG saying what to install, or why the agent can't be used.
   */
  async get(name: string): Promise<RepositoryAgent> {
    const found = this.#agents.get(name);
    if (found === undefined) {
      const installed = [...this.#agents.keys()].sort().join(', ') || 'none';
      throw new InferenceServerError(
        'INVALID_ARG',
        `unable to find repository agent '${name}': no installed package provides it (installed: ${installed}). ` +
          `Install the package of that agent, or name the folder it lies in with --repoagent-directory`,
      );
    }
    if (found.problem !== undefined) throw found.problem;
    const { entry } = found.manifest;
    const agent = (await importEntry(entry, 'repository agent')).default;
    if (isAgent(agent)) return agent;
    throw new InferenceServerError(
      'INVALID_ARG',
      `repository agent module ${entry} has no agent as its default export: export default defineRepositoryAgent({ … })`,
    );
  }
}

function isAgent(value: unknown): value is RepositoryAgent {
  return typeof value === 'object' && value !== null && 'name' in value && 'load' in value;
}
