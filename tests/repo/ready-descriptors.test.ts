/** The descriptors of the bundle are those that the generated modules would decode. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { toBinary, type DescFile, type DescMessage } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { build } from 'esbuild';
import { leanModules } from '../../tools/lean-modules.ts';

const GEN = join(import.meta.dirname, '../../packages/protocol/dist/gen');
const folder = mkdtempSync(join(tmpdir(), 'nereid-descriptors-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Generated {
  readonly [name: string]: DescFile | DescMessage;
}

/** What a descriptor says of a message, with all that is derived from its file. */
function summaryOf({ typeName, fields, nestedMessages, oneofs }: DescMessage): unknown {
  return {
    typeName,
    fields: fields.map(
      ({ name, number, jsonName, localName, fieldKind, presence, scalar, message, oneof }) => {
        return [
          name,
          number,
          jsonName,
          localName,
          fieldKind,
          presence,
          scalar,
          message?.typeName,
          oneof?.name,
        ];
      },
    ),
    oneofs: oneofs.map(({ name }) => name),
    nested: nestedMessages.map(summaryOf),
  };
}

for (const module of [
  'model_config_pb',
  'grpc_service_pb',
  'health_pb',
  'reflection_pb',
  'reflection_v1alpha_pb',
]) {
  test(`the descriptors of ${module}`, async () => {
    const outfile = join(folder, `${module}.cjs`);
    const entryPoints = [join(GEN, `${module}.js`)];
    await build({
      entryPoints,
      outfile,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      plugins: [leanModules],
    });
    const ready = createRequire(import.meta.url)(outfile) as Generated;
    const decoded = (await import(join(GEN, `${module}.js`))) as Generated;
    assert.deepEqual(Object.keys(ready).sort(), Object.keys(decoded).sort());
    for (const [name, expected] of Object.entries(decoded)) {
      const found = ready[name];
      assert.equal(found?.kind, expected.kind);
      if (found?.kind === 'file' && expected.kind === 'file') {
        const bytes = ({ proto }: DescFile): Uint8Array => toBinary(FileDescriptorProtoSchema, proto);
        assert.deepEqual(bytes(found), bytes(expected));
      } else if (found?.kind === 'message' && expected.kind === 'message') {
        assert.deepEqual(summaryOf(found), summaryOf(expected));
      }
    }
  });
}
