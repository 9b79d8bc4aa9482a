import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLateInstance } from './late-instance.ts';

describe('createLateInstance', () => {
  it('makes the instance when its first batch comes, once', async () => {
    const events: string[] = [];
    const instance = createLateInstance(async () => {
      events.push('made');
      return { execute: () => void events.push('executed') };
    });
    assert.deepEqual(events, []);
    await instance.execute([]);
    await instance.execute([]);
    assert.deepEqual(events, ['made', 'executed', 'executed']);
  });

  it('tries again after a failure', async () => {
    let tries = 0;
    const instance = createLateInstance(async () => {
      tries += 1;
      if (tries === 1) throw new Error('no memory');
      return { execute: () => undefined };
    });
    await assert.rejects(async () => instance.execute([]), { message: 'no memory' });
    await instance.execute([]);
    assert.equal(tries, 2);
  });
});
