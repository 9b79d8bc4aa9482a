/**
 * A model among all repositories: its name and, with `--model-namespacing`, the namespace that it is in, which is the
 * path of its repository as it was given. Everything but the border to clients knows models by it.
 *
 * It is a string, so that it can be a key; without a namespace it is the name. With one it reads as the path of the
 * model's folder: names have no slash, so the last one divides the two.
 */
export type ModelIdentifier = string & { readonly [kind]: 'ModelIdentifier' };

declare const kind: unique symbol;

/** @param namespace - '' for none. */
export function modelIdentifier(namespace: string, name: string): ModelIdentifier {
  // The only place where one is made.
  return (namespace === '' ? name : `${namespace}/${name}`) as ModelIdentifier;
}

/** '' for none. */
export function namespaceOf(id: ModelIdentifier): string {
  return id.slice(0, Math.max(0, id.lastIndexOf('/')));
}

export function nameOf(id: ModelIdentifier): string {
  return id.slice(id.lastIndexOf('/') + 1);
}
