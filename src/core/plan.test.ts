// The plan: rules P1 to P5, and the dead-band of S4, with plain numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, MiB } from './bytes.ts';
import { defaultReserveBytes, type PlanDriver, type PlanInput, plan } from './plan.ts';

const driver = (name: string, over: Partial<PlanDriver> = {}): PlanDriver => ({
  name,
  weight: 1,
  minBytes: 0,
  maxBytes: null,
  floorBytes: 0,
  ceilingBytes: null,
  stepBytes: 1,
  costBytes: 10 * MiB,
  committedBytes: over.costBytes ?? 10 * MiB,
  frozen: null,
  why: {},
  ...over,
});

const input = (drivers: PlanDriver[], over: Partial<PlanInput> = {}): PlanInput => ({
  levels: [{ name: '/app', limitBytes: 1000 * MiB, unmanagedBytes: 0 }],
  usableBytes: 1000 * MiB,
  cpus: 2,
  reserveBytes: 170 * MiB,
  drivers,
  growthHeld: null,
  pressed: true,
  ...over,
});

const budgets = (value: PlanInput) =>
  plan(value).budgets.map(({ budgetBytes }) => Math.round(budgetBytes / MiB));
const moves = (value: PlanInput) => plan(value).budgets.map(({ move }) => move);

test('plan: room is the limit less headroom less max(reserve, unmanaged) (P3)', () => {
  assert.equal(plan(input([])).roomBytes, 800 * MiB);
  const busy = input([], { levels: [{ name: '/app', limitBytes: 1000 * MiB, unmanagedBytes: 400 * MiB }] });
  assert.equal(plan(busy).roomBytes, 570 * MiB);
});

test('plan: the default reserve is 20 % of usable and at least 64 MiB (P3)', () => {
  assert.equal(defaultReserveBytes(10 * GiB), 2 * GiB);
  assert.equal(defaultReserveBytes(100 * MiB), 64 * MiB);
});

test('plan: the level with the least room binds, with its own unmanaged use (P3)', () => {
  const levels = [
    { name: '/pod/app', limitBytes: 1000 * MiB, unmanagedBytes: 0 },
    { name: '/pod', limitBytes: 1200 * MiB, unmanagedBytes: 900 * MiB },
    { name: 'machine', limitBytes: 'max' as const, unmanagedBytes: 0 },
  ];
  const made = plan(input([], { levels }));
  assert.equal(made.boundBy, '/pod');
  assert.equal(made.roomBytes, 1200 * MiB - 36 * MiB - 900 * MiB);
});

test('plan: room is shared by weight, and what one cannot take goes to the others (P2)', () => {
  assert.deepEqual(budgets(input([driver('a'), driver('b', { weight: 3 })])), [200, 600]);
  assert.deepEqual(
    budgets(input([driver('a'), driver('b', { weight: 3, maxBytes: 300 * MiB })])),
    [500, 300],
  );
  const ceiling = driver('b', { weight: 3, ceilingBytes: 100 * MiB, why: { ceiling: 'fixed at start' } });
  const made = plan(input([driver('a'), ceiling]));
  assert.deepEqual(
    made.budgets.map(({ budgetBytes }) => budgetBytes / MiB),
    [700, 100],
  );
  assert.match(made.budgets[1]?.reason ?? '', /ceiling 100 MiB: fixed at start/);
});

test('plan: minima come before shares (P2)', () => {
  assert.deepEqual(budgets(input([driver('a', { minBytes: 600 * MiB }), driver('b')])), [700, 100]);
});

test('plan: minima over room are served in the order of the list, and the shortage is named (P2)', () => {
  const made = plan(input([driver('a', { minBytes: 700 * MiB }), driver('b', { minBytes: 300 * MiB })]));
  assert.deepEqual(
    made.budgets.map(({ budgetBytes }) => budgetBytes / MiB),
    [700, 100],
  );
  assert.equal(made.shortBytes, 0);
  assert.deepEqual(made.shortage, ['b is 200 MiB short of its minimum']);
});

test('plan: floors that do not fit are told as short, and nobody is planned below its floor', () => {
  const made = plan(
    input([
      driver('a', { floorBytes: 700 * MiB, costBytes: 700 * MiB }),
      driver('b', { floorBytes: 200 * MiB }),
    ]),
  );
  assert.equal(made.shortBytes, 100 * MiB);
  assert.equal(made.budgets[0]?.budgetBytes, 700 * MiB);
  assert.equal(made.budgets[1]?.budgetBytes, 200 * MiB);
});

test('plan: a growth within the dead-band of 1 % is left alone (S4)', () => {
  const close = driver('a', { costBytes: 795 * MiB });
  assert.deepEqual(moves(input([close])), ['keep']);
  assert.deepEqual(moves(input([driver('a', { costBytes: 780 * MiB })])), ['grow']);
});

test('plan: a shrink has no dead-band when drivers take more than the room', () => {
  assert.deepEqual(moves(input([driver('a', { costBytes: 801 * MiB })])), ['shrink']);
});

test('plan: a driver a whole step above its max or its ceiling comes down to it (P2)', () => {
  const large = { costBytes: 224 * MiB, stepBytes: 32 * MiB };
  const made = plan(input([driver('a', { ...large, maxBytes: 192 * MiB })]));
  assert.deepEqual(
    made.budgets.map(({ move, budgetBytes, reason }) => [move, budgetBytes / MiB, reason]),
    [['shrink', 192, 'max 192 MiB']],
  );
  assert.deepEqual(budgets(input([driver('a', { ...large, ceilingBytes: 200 * MiB })])), [192]);
  assert.deepEqual(
    budgets(input([driver('a', { ...large, costBytes: 64 * MiB, maxBytes: 40 * MiB })])),
    [32],
  );
});

test('plan: a driver above its max by less than it can give back is left alone', () => {
  const close = { stepBytes: 32 * MiB, maxBytes: 200 * MiB };
  assert.deepEqual(moves(input([driver('a', { ...close, costBytes: 192 * MiB + 1 })])), ['keep']);
  assert.deepEqual(moves(input([driver('a', { ...close, costBytes: 201 * MiB })])), ['keep']);
  const floor = driver('a', { ...close, floorBytes: 250 * MiB, costBytes: 250 * MiB });
  assert.deepEqual(moves(input([floor])), ['keep']);
});

test('plan: a share that has become smaller by less than the dead-band makes nobody shrink', () => {
  const near = (name: string) => driver(name, { costBytes: 398 * MiB, stepBytes: 4 * MiB });
  const third = driver('third', { costBytes: 0, maxBytes: 6 * MiB });
  assert.deepEqual(moves(input([near('a'), near('b'), third])), ['keep', 'keep', 'grow']);
});

test('plan: unmanaged use holds back growth at once, and shrinks a driver only when pressed (P3)', () => {
  const levels = [{ name: '/app', limitBytes: 1000 * MiB, unmanagedBytes: 400 * MiB }];
  const small = input([driver('a', { costBytes: 100 * MiB })], { levels, pressed: false });
  assert.deepEqual(budgets(small), [570]);
  const large = input([driver('a', { costBytes: 700 * MiB })], { levels, pressed: false });
  assert.deepEqual(moves(large), ['keep']);
  assert.deepEqual(budgets({ ...large, pressed: true }), [570]);
});

test('plan: a driver that cannot be moved counts at what it takes, others share the rest (P1)', () => {
  const frozen = driver('a', { frozen: 'drift', costBytes: 100 * MiB, committedBytes: 300 * MiB });
  const made = plan(input([frozen, driver('b')]));
  assert.deepEqual(
    made.budgets.map(({ move }) => move),
    ['keep', 'grow'],
  );
  assert.equal(made.budgets[1]?.budgetBytes, 500 * MiB);
});

test('plan: nothing grows while growth is held, and the reason is told (S2, S10)', () => {
  const made = plan(input([driver('a')], { growthHeld: 'memory.max cannot be read' }));
  assert.deepEqual(
    made.budgets.map(({ move, reason }) => [move, reason]),
    [['keep', 'memory.max cannot be read']],
  );
});

test('plan: a follower follows and takes nothing of the room', () => {
  const made = plan(input([driver('hint', { ceilingBytes: 0, costBytes: 0 }), driver('a')]));
  assert.deepEqual(
    made.budgets.map(({ move }) => move),
    ['follow', 'grow'],
  );
  assert.equal(made.budgets[1]?.budgetBytes, 800 * MiB);
});

test('plan: budgets are rounded down to the step of the driver', () => {
  const made = plan(input([driver('a', { stepBytes: 128 * MiB }), driver('b', { stepBytes: 3 })]));
  assert.equal(made.budgets[0]?.budgetBytes, 384 * MiB);
  assert.equal((made.budgets[1]?.budgetBytes ?? 1) % 3, 0);
});

test('plan: the sum of budgets never exceeds room and the same input gives the same plan (P1, P5)', () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 500; round += 1) {
    const drivers = Array.from({ length: 1 + random(12) }, (_, index) =>
      driver(`d${index}`, {
        weight: 1 + random(5),
        minBytes: random(3) === 0 ? random(100) * MiB : 0,
        maxBytes: random(3) === 0 ? random(300) * MiB : null,
        floorBytes: random(4) === 0 ? random(40) * MiB : 0,
        ceilingBytes: random(4) === 0 ? 1 + random(400) * MiB : null,
        stepBytes: 1 + random(4) * MiB,
        costBytes: 0,
        committedBytes: 0,
      }),
    );
    const value = input(drivers);
    const made = plan(value);
    const total = made.budgets.reduce((sum, { budgetBytes }) => sum + budgetBytes, 0);
    if (made.shortBytes === 0)
      assert.ok(total <= made.roomBytes, `round ${round}: ${total} > ${made.roomBytes}`);
    assert.deepEqual(plan(value), made);
    const unbounded = drivers.some(
      ({ maxBytes, ceilingBytes, floorBytes }) =>
        maxBytes === null && ceilingBytes === null && floorBytes === 0,
    );
    const rounding =
      drivers.reduce((sum, { stepBytes }) => sum + stepBytes * 2, 0) +
      made.roomBytes * 0.011 * drivers.length;
    if (unbounded && made.shortage.length === 0)
      assert.ok(total >= made.roomBytes - rounding, `round ${round}: room is left over`);
  }
});

test('plan: nobody is promised what others keep within their dead-band (P1, P5)', () => {
  const kept = driver('kept', { costBytes: 405 * MiB, stepBytes: 16 * MiB });
  const small = driver('small', { costBytes: 380 * MiB });
  const made = plan(input([kept, small], { pressed: false }));
  assert.deepEqual(
    made.budgets.map(({ move, budgetBytes }) => [move, budgetBytes / MiB]),
    [
      ['keep', 405],
      ['grow', 395],
    ],
  );
});

test('plan: what is left within the dead-band is no growth, so that a pass has nothing to do (P5)', () => {
  const kept = driver('kept', { costBytes: 410 * MiB, stepBytes: 16 * MiB });
  const small = driver('small', { costBytes: 389 * MiB });
  const made = plan(input([kept, small], { pressed: false }));
  assert.deepEqual(
    made.budgets.map(({ move }) => move),
    ['keep', 'keep'],
  );
  assert.match(made.budgets[1]?.reason ?? '', /within the dead-band/);
});

test('plan: what may be unmanaged holds back growth and makes nobody shrink (P3)', () => {
  const levels = [{ name: '/app', limitBytes: 1000 * MiB, unmanagedBytes: 0, doubtedBytes: 600 * MiB }];
  const doubted = input([driver('large', { costBytes: 500 * MiB }), driver('small')], { levels });
  const made = plan(doubted);
  assert.deepEqual([made.roomBytes / MiB, made.growthRoomBytes / MiB], [800, 370]);
  assert.deepEqual(
    made.budgets.map(({ move }) => move),
    ['shrink', 'keep'],
  );
  assert.equal(made.budgets[0]?.budgetBytes, 400 * MiB);
});

test('plan: a growth that is cut down leaves to those that grow what they have already (P1)', () => {
  const kept = ['a', 'b', 'c'].map((name) => driver(name, { costBytes: 190 * MiB, stepBytes: 64 * MiB }));
  const large = driver('large', { costBytes: 150 * MiB, stepBytes: 4 * MiB });
  const small = driver('small', { costBytes: 20 * MiB });
  const cut = input([...kept, large, small], { pressed: false });
  assert.deepEqual(moves(cut), ['keep', 'keep', 'keep', 'keep', 'grow']);
  assert.deepEqual(budgets(cut), [190, 190, 190, 150, 80]);
});

test('plan: where drivers hold more than there is, nobody is promised growth (P1, P5)', () => {
  const held = driver('held', { costBytes: 300 * MiB, committedBytes: 700 * MiB });
  const other = driver('other', { costBytes: 390 * MiB });
  const made = plan(input([held, other], { pressed: false }));
  assert.deepEqual(
    made.budgets.map(({ move }) => move),
    ['keep', 'keep'],
  );
  assert.match(made.budgets[0]?.reason ?? '', /drivers take more than there is room for/);
});

test('plan: a driver that holds more than it costs grows into that while there is room (P1)', () => {
  const held = driver('held', { costBytes: 300 * MiB, committedBytes: 410 * MiB });
  const other = driver('other', { costBytes: 380 * MiB });
  assert.deepEqual(budgets(input([held, other], { pressed: false })), [400, 390]);
});
