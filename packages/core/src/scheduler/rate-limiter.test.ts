import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkSchedules } from '../../test/check-schedules.ts';
import { RateLimiter, type LimitedInstance, type RateLimitSlot, type ResourceNeed } from './rate-limiter.ts';

const SLOT = { name: 'slot', device: 0 };

function instance(name: string, count: number, priority = 1): LimitedInstance {
  return { instanceName: name, needs: [{ ...SLOT, count }], priority };
}

/** Instances that always want to execute again; what they executed, in order. */
function runForEver(
  limiter: RateLimiter,
  instances: readonly LimitedInstance[],
  executions: number,
): string[] {
  const order: string[] = [];
  const running: { readonly slot: RateLimitSlot; readonly again: () => void }[] = [];
  for (const each of instances) {
    const slot = limiter.register(each);
    const again = (): void =>
      slot.acquire(() => {
        order.push(each.instanceName);
        running.push({ slot, again });
      });
    again();
  }
  while (order.length < executions) {
    const first = running.shift();
    assert.ok(first !== undefined, 'somebody runs');
    first.slot.release(first.again);
  }
  return order;
}

test('an instance waits while another one holds what it needs', () => {
  const limiter = new RateLimiter();
  const [a, b] = [limiter.register(instance('a', 1)), limiter.register(instance('b', 1))];
  const log: string[] = [];
  a.acquire(() => log.push('a'));
  b.acquire(() => log.push('b'));
  assert.deepEqual(log, ['a']);
  a.release(() => {});
  assert.deepEqual(log, ['a', 'b']);
});

test('an instance without needs never waits', () => {
  const limiter = new RateLimiter([{ name: 'slot', count: 1 }]);
  limiter.register(instance('a', 1)).acquire(() => {});
  let ran = false;
  limiter.register({ instanceName: 'free', needs: [], priority: 1 }).acquire(() => (ran = true));
  assert.ok(ran);
});

test('priority n gets 1/n of the executions of priority 1', () => {
  const order = runForEver(new RateLimiter(), [instance('a', 1), instance('b', 1, 4)], 500);
  const share = order.filter((name) => name === 'a').length / order.length;
  assert.ok(Math.abs(share - 0.8) < 0.01, `share ${share}`);
});

test('a new instance makes up for nothing that it missed', () => {
  const limiter = new RateLimiter();
  runForEver(limiter, [instance('a', 1), instance('b', 1)], 100);
  const late: string[] = [];
  const slot = limiter.register(instance('late', 1));
  slot.acquire(() => late.push('late'));
  assert.deepEqual(late, []);
});

test('a device has its own units, a global resource is there once', () => {
  const limiter = new RateLimiter([
    { name: 'r', count: 1 },
    { name: 'g', count: 1, device: 3 },
  ]);
  const need = (name: string, device: number | undefined): LimitedInstance => ({
    instanceName: name,
    needs: [{ name, device, count: 1 }],
    priority: 1,
  });
  const log: string[] = [];
  for (const device of [0, 1, 1]) limiter.register(need('r', device)).acquire(() => log.push(`r${device}`));
  for (let round = 0; round < 2; round += 1)
    limiter.register(need('g', undefined)).acquire(() => log.push('g'));
  assert.deepEqual(log, ['r0', 'r1', 'g']);
});

test('the capacity of a resource that is not given is the largest need, while its instance is there', () => {
  const limiter = new RateLimiter();
  limiter.register(instance('a', 2));
  const large = limiter.register(instance('b', 5));
  assert.equal(limiter.capacity(SLOT), 5);
  large.close();
  assert.equal(limiter.capacity(SLOT), 2);
});

test('less than an instance needs is refused with the resource, the instance and both counts', () => {
  const limiter = new RateLimiter([
    { name: 'slot', count: 2 },
    { name: 'slot', count: 3, device: 1 },
  ]);
  assert.throws(() => limiter.register(instance('m_0_0', 3)), {
    code: 'INVALID_ARG',
    message: /"slot" is limited to 2 .*'m_0_0', the minimum required count is 3/,
  });
  limiter.register({ ...instance('m_0_1', 3), needs: [{ name: 'slot', device: 1, count: 3 }] });
});

test('a resource that is global and of a device is refused', () => {
  const limiter = new RateLimiter();
  limiter.register(instance('a', 1));
  const needs = [{ name: 'slot', device: undefined, count: 1 }];
  assert.throws(() => limiter.register({ instanceName: 'b', needs, priority: 1 }), {
    code: 'INVALID_ARG',
    message: /"slot" is present as both global and device-specific/,
  });
});

test('closing an instance gives back what it holds, and ends its wait', () => {
  const limiter = new RateLimiter();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => limiter.register(instance(name, 1)));
  const log: string[] = [];
  a?.acquire(() => log.push('a'));
  b?.acquire(() => log.push('b'));
  c?.acquire(() => log.push('c'));
  b?.close();
  a?.close();
  assert.deepEqual(log, ['a', 'c']);
});

test('executions that end within their grant do not pile up on the stack', () => {
  const limiter = new RateLimiter();
  const slot = limiter.register(instance('a', 1));
  let left = 100_000;
  const again = (): void => {
    if (left === 0) return;
    left -= 1;
    slot.acquire(() => slot.release(again));
  };
  again();
  assert.equal(left, 0);
});

const NEEDS: fc.Arbitrary<readonly ResourceNeed[]> = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('r', 's'),
    device: fc.constantFrom(0, 1),
    count: fc.integer({ min: 1, max: 4 }),
  }),
  { maxLength: 3, selector: ({ name, device }) => `${name}${device}` },
);

const INSTANCES = fc.array(fc.record({ needs: NEEDS, priority: fc.nat(6) }), { minLength: 1, maxLength: 6 });

test('whatever comes and goes: never over capacity, every wait ends, and nothing is granted twice', () => {
  checkSchedules(
    fc.property(INSTANCES, fc.array(fc.nat(5), { maxLength: 60 }), (instances, steps) => {
      const limiter = new RateLimiter();
      let grants = 0;
      const all = instances.map(({ needs, priority }, at) => {
        const slot = limiter.register({ instanceName: String(at), needs, priority });
        return { slot, needs, state: 'idle' as 'idle' | 'waiting' | 'holding' };
      });
      let asked = 0;
      const act = (one: (typeof all)[number]): void => {
        if (one.state === 'waiting') return;
        if (one.state === 'holding') {
          one.state = 'idle';
          one.slot.release(() => {});
        } else {
          one.state = 'waiting';
          asked += 1;
          one.slot.acquire(() => {
            assert.equal(one.state, 'waiting');
            one.state = 'holding';
            grants += 1;
          });
        }
        for (const need of all.flatMap(({ needs }) => needs))
          assert.ok(limiter.held(need) <= limiter.capacity(need));
      };
      for (const step of steps) {
        const one = all[step % all.length];
        if (one !== undefined) act(one);
      }
      for (let one = find(all, 'holding'); one !== undefined; one = find(all, 'holding')) act(one);
      assert.equal(find(all, 'waiting'), undefined);
      assert.equal(grants, asked);
    }),
  );
});

test('nobody starves, however large its need and low its priority', () => {
  checkSchedules(
    fc.property(INSTANCES, (instances) => {
      const named = instances.map((one, at) => ({ ...one, instanceName: String(at) }));
      const order = runForEver(new RateLimiter(), named, 400);
      for (const { instanceName } of named) {
        // Once in 7 turns of all 6 others, and as long for those that run beside them.
        const longest = order
          .join('')
          .split(instanceName)
          .map(({ length }) => length);
        assert.ok(Math.max(...longest) <= 100, `${instanceName} waited for ${Math.max(...longest)} others`);
      }
    }),
  );
});

function find<T extends { readonly state: string }>(all: readonly T[], state: string): T | undefined {
  return all.find((one) => one.state === state);
}
