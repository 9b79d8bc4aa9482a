/**
 * Descriptors of messages stand in generated modules as bytes, which a start would have to decode, with descriptors that it would
 * have to make for that first. In the bundle they stand as the objects that come of it.
 */
import { readFile } from 'node:fs/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { protoCamelCase } from '@bufbuild/protobuf/reflect';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { FileDescriptorProtoSchema, type DescriptorProto } from '@bufbuild/protobuf/wkt';

/** Modules that protoc-gen-es wrote, after tsc. */
export const GENERATED = /[\\/]gen[\\/]\w+_pb\.js$/;

/** The call in a generated module; the second group are the files that it imports. */
const FILE_DESC = /\bfileDesc\("([\w+/=]+)"((?:, \[.*?\])?)\)/g;

/** What is called instead of `fileDesc`, with the decoded file; to stand beside its siblings. */
export const READY_FILE_DESC = `
    import { createEmbeddedFileRegistry } from '../registry.js';
    export function readyFileDesc(file, imports = []) {
      file.dependency = imports.map(({ proto }) => proto.name);
      const find = (name) => imports.find(({ proto }) => proto.name === name);
      return createEmbeddedFileRegistry(file, find).getFile(file.name);
    }`;

/** The text of a generated module, with objects in place of bytes. */
export async function readyDescriptors(path: string): Promise<string> {
  const source = await readFile(path, 'utf8');
  const literals = new Literals();
  const ready = source.replaceAll(FILE_DESC, (_, base64: string, imports: string) => {
    const file = fromBinary(FileDescriptorProtoSchema, base64Decode(base64));
    file.messageType.forEach(restoreJsonNames);
    return `readyFileDesc(${literals.of(file)}${imports})`;
  });
  if (ready === source) throw new Error(`${path} has no descriptor of a file`);
  return `${ready.replace(/\bfileDesc\b/, 'readyFileDesc')}\n${literals.prototypes()}`;
}

/** Names of fields in JSON are left out of the bytes where they follow from the others. */
function restoreJsonNames({ field: fields, nestedType }: DescriptorProto): void {
  for (const field of fields) {
    if (!Object.hasOwn(field, 'jsonName')) field.jsonName = protoCamelCase(field.name);
  }
  nestedType.forEach(restoreJsonNames);
}

/**
 * Writes messages as object literals. A field without a value has that of its kind of message, which is the prototype of what the
 * library decodes.
 */
class Literals {
  /** Prototypes by their names in the module. */
  readonly #defaults = new Map<string, string>();

  of(value: unknown): string {
    if (Array.isArray(value)) return `[${value.map((element) => this.of(element)).join(',')}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}:${this.of(field)}`);
    const prototype = Object.getPrototypeOf(value) as object;
    if (prototype !== Object.prototype) fields.unshift(`__proto__:${this.#nameOf(value, prototype)}`);
    return `{${fields.join(',')}}`;
  }

  /** Functions: they are there before the module runs. */
  prototypes(): string {
    const declared = [...this.#defaults].map(
      ([name, text]) => `var made${name};function ${name}(){return made${name}??=${text}}`,
    );
    return declared.join('\n');
  }

  #nameOf(value: object, prototype: object): string {
    const type = '$typeName' in value ? String(value.$typeName) : '';
    const name = `defaults_${type.replaceAll('.', '_')}`;
    this.#defaults.set(name, JSON.stringify(prototype));
    return `${name}()`;
  }
}
