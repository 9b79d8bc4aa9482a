import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMilestone } from './milestones.ts';

test('downloads of megabytes, builds and the end are shown, of uv and of pip', () => {
  const shown = [
    'Resolved 26 packages in 1.02s',
    'Downloading torch (846.9MiB)',
    '   Building treelite @ file:///src/treelite',
    'Prepared 2 packages in 12.40s',
    '  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.whl (16.6 MB)',
    '  Downloading torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl (1.1 GB)',
    '  Building wheel for sgmllib3k (setup.py): started',
    'Installing collected packages: numpy, idna',
  ];
  assert.deepEqual(shown.filter(isMilestone), shown);
});

test('what takes no time is not', () => {
  const others = [
    'Collecting numpy',
    '  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.whl.metadata (6.6 kB)',
    "  Building wheel for sgmllib3k (setup.py): finished with status 'done'",
    ' + numpy==2.4.6',
  ];
  assert.deepEqual(others.filter(isMilestone), []);
});
