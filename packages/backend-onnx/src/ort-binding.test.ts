import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadBinding, loadOrt, loadPublicApi, type Ort } from './ort-binding.ts';

const MODELS = join(import.meta.dirname, '../test/models');
const OPTIONS = { logSeverityLevel: 4 } as const;

describe('ONNX Runtime', () => {
  it('has its telemetry off before it is loaded', () => {
    assert.equal(process.env['ORT_DISABLE_TELEMETRY'], '1');
  });

  it('is reached through its native binding', async () => {
    assert.ok(loadBinding() !== undefined);
    assert.ok((await loadOrt()).providers.includes('cpu'));
  });

  const WAYS: Readonly<Record<string, () => Promise<Ort | undefined>>> = {
    'its native binding': async () => loadBinding(),
    'its public API': loadPublicApi,
  };
  for (const [way, load] of Object.entries(WAYS)) {
    it(`tells the inputs and outputs of a model through ${way}`, async () => {
      const session = await open(load, 'row_sum');
      assert.deepEqual(session.inputs, [{ name: 'X', isTensor: true, elementType: 1, shape: [-1, -1] }]);
      assert.deepEqual(session.outputs, [{ name: 'Y', isTensor: true, elementType: 1, shape: [-1] }]);
      await session.dispose();
    });

    it(`runs a model for the wanted outputs through ${way}`, async () => {
      const session = await open(load, 'add_sub');
      const data = new Float32Array([1, 2, 3, 4]);
      const tensor = { type: 'float32', dims: [1, 4], location: 'cpu', data } as const;
      const outputs = await session.run({ A: tensor, B: tensor }, { DIFFERENCE: null });
      assert.deepEqual(Object.keys(outputs), ['DIFFERENCE']);
      assert.deepEqual(outputs['DIFFERENCE']?.data, new Float32Array(4));
      await session.dispose();
    });

    it(`tells what is no tensor through ${way}`, async () => {
      const session = await open(load, 'sequence_output');
      assert.deepEqual(session.outputs[1], { name: 'PARTS', isTensor: false, elementType: 0, shape: [] });
      await session.dispose();
    });
  }
});

async function open(load: () => Promise<Ort | undefined>, model: string) {
  const ort = await load();
  assert.ok(ort !== undefined);
  return ort.createSession(join(MODELS, model, '1/model.onnx'), OPTIONS);
}
