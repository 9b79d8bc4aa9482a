/**
 * How Node loads the modules of models: each load of a changed model sees its files anew, and
 * `@nereid/backend-script` is the server's own copy wherever the repository lies.
 */
import { registerHooks } from 'node:module';

/** Marks the URL of a model's module with the load that it belongs to. */
const GENERATION = 'nereid-load';

const API_PACKAGE = '@nereid/backend-script';

/** TypeScript and JavaScript of a model are ES modules, whatever package.json lies above the repository. */
const FORMATS: Readonly<Record<string, string>> = {
  ts: 'module-typescript',
  mts: 'module-typescript',
  js: 'module',
  mjs: 'module',
};

/** Called with the URL of every file that a load takes in. */
export type ModuleListener = (generation: string, url: string) => void;

/**
 * Installs the hooks.
 *
 * @param apiUrl - Module that stands for `@nereid/backend-script`.
 * @returns What takes them away again.
 */
export function installModuleHooks(apiUrl: string, onModule: ModuleListener): () => void {
  const hooks = registerHooks({
    resolve(specifier, context, nextResolve) {
      const generation = generationOf(context.parentURL);
      if (generation === undefined) return nextResolve(specifier, context);
      if (specifier === API_PACKAGE) return { url: apiUrl, shortCircuit: true };
      const resolved = nextResolve(specifier, context);
      return isOwnFile(resolved.url)
        ? { ...resolved, url: withGeneration(resolved.url, generation) }
        : resolved;
    },
    load(url, context, nextLoad) {
      const generation = generationOf(url);
      if (generation === undefined) return nextLoad(url, context);
      onModule(generation, url);
      const format = FORMATS[new URL(url).pathname.split('.').at(-1) ?? ''];
      return nextLoad(url, format === undefined ? context : { ...context, format });
    },
  });
  return () => hooks.deregister();
}

/** The URL of a model's module in one load. */
export function withGeneration(url: string, generation: string): string {
  const marked = new URL(url);
  marked.searchParams.set(GENERATION, generation);
  return marked.href;
}

function generationOf(url: string | undefined): string | undefined {
  if (url?.includes(GENERATION) !== true) return undefined;
  return new URL(url).searchParams.get(GENERATION) ?? undefined;
}

/** Whether a module is one of the model's author, not of a package that models share. */
function isOwnFile(url: string): boolean {
  return url.startsWith('file:') && !url.includes('/node_modules/');
}
