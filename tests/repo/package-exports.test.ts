import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishedPackages, type PackageManifest } from './package-manifest.ts';

for (const manifest of publishedPackages()) {
  test(`what ${manifest.name} exports is there after a build`, () => {
    assert.deepEqual(missing(manifest, exportedFiles(manifest)), []);
  });

  test(`what ${manifest.name} lists as its files is there after a build`, () => {
    assert.deepEqual(
      missing(
        manifest,
        manifest.files.filter((file) => !file.startsWith('!')),
      ),
      [],
    );
  });
}

function exportedFiles({ exports, bin }: PackageManifest): readonly string[] {
  const targets = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  );
  return [...targets, ...Object.values(bin)];
}

function missing({ folder }: PackageManifest, files: readonly string[]): readonly string[] {
  return files.filter((file) => !existsSync(join(folder, file)));
}
