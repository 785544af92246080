// keyv itself over a ByteCache: it reads back what it wrote, its memory is bounded and comes and goes, and
// namespaces stay apart.
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { Keyv } from 'keyv';
import { until } from '../../test/until.ts';
import { ByteCache } from '../buffers/byte-cache.ts';
import { KiB, MiB } from '../core/bytes.ts';
import { type KeyvBytes, keyvStore } from './keyv.ts';

const open = (bytes = 16 * MiB) => new ByteCache('sessions', { bytes, slabBytes: 4 * MiB });

const over = (cache: KeyvBytes, namespace?: string) => {
  const keyv = new Keyv({ store: keyvStore(cache), ...(namespace === undefined ? {} : { namespace }) });
  keyv.on('error', (error: unknown) => assert.fail(String(error)));
  return keyv;
};

describe('keyv: over a ByteCache', () => {
  test('keyv: it takes the store as it is, and reads back what it wrote', async () => {
    const store = keyvStore(open());
    const keyv = new Keyv({ store });
    assert.equal(keyv.store, store);
    const value = { name: 'Zoë 🙂', parts: [1, null, { deep: 'x'.repeat(100_000) }], big: 12n };
    assert.equal(await keyv.set('a', value), true);
    assert.deepEqual(await keyv.get('a'), value);
    assert.deepEqual(
      [await keyv.has('a'), await keyv.has('b'), await keyv.get('b')],
      [true, false, undefined],
    );
    assert.deepEqual([await keyv.delete('a'), await keyv.delete('a')], [true, false]);
    await keyv.setMany([
      { key: 'x', value: 1 },
      { key: 'y', value: 2 },
    ]);
    assert.deepEqual(await keyv.getMany(['x', 'none', 'y']), [1, undefined, 2]);
    assert.deepEqual(await keyv.hasMany(['x', 'none']), [true, false]);
    await keyv.deleteMany(['x', 'y']);
    assert.deepEqual(await keyv.hasMany(['x', 'y']), [false, false]);
  });

  test('keyv: a value goes when its time is over, and the store itself says so', async () => {
    const cache = open();
    const store = keyvStore(cache);
    const keyv = new Keyv({ store });
    await keyv.set('a', 1, 5);
    await until(async () => !(await store.has('a')), 'the value is gone from the store');
    await keyv.set('b', 1);
    assert.equal(await store.set('b', 'late', Date.now() - 1), true);
    assert.equal(await store.get('b'), undefined);
  });

  test('keyv: its memory is bounded, and a resize really gives it back', async () => {
    const cache = open(16 * MiB);
    const keyv = over(cache);
    const value = 'x'.repeat(100 * KiB);
    for (let count = 0; count < 640; count += 1) {
      await keyv.set(`key ${count}`, value);
      assert.ok(cache.heldBytes <= 16 * MiB, `${cache.heldBytes}`);
    }
    assert.deepEqual([await keyv.get('key 639'), await keyv.get('key 0')], [value, undefined]);
    await cache.setBytes(4 * MiB);
    await until(() => cache.heldBytes <= 4 * MiB, 'the memory is given back');
    await keyv.set('after', value);
    assert.equal(await keyv.get('after'), value);
  });

  test('keyv: namespaces over one cache stay apart, and are cleared apart', async () => {
    const cache = open();
    const [one, two, all] = [over(cache, 'one'), over(cache, 'two'), over(cache)];
    for (const [keyv, value] of [
      [one, 1],
      [two, 2],
      [all, 3],
    ] as const)
      await keyv.set('a', value);
    assert.deepEqual([await one.get('a'), await two.get('a'), await all.get('a')], [1, 2, 3]);
    await one.clear();
    assert.deepEqual([await one.get('a'), await two.get('a'), await all.get('a')], [undefined, 2, 3]);
    await one.set('a', 4);
    assert.deepEqual([await one.get('a'), await over(cache, 'one').get('a')], [4, 4]);
    await all.clear();
    assert.deepEqual(
      [await one.get('a'), await two.get('a'), await all.get('a')],
      [undefined, undefined, undefined],
    );
  });

  test('keyv: a value that is no text is refused, with what to leave alone', async () => {
    const said: string[] = [];
    const keyv = new Keyv({ store: keyvStore(open()), serialization: false });
    keyv.on('error', (error: unknown) => said.push(String(error)));
    await keyv.set('a', { not: 'text' });
    assert.match(said.join(), /the value of "a" is a object, and no text; leave keyv its serialization/);
  });
});

test('keyv: a store that has a namespace is refused to a Keyv with another one', async () => {
  const cache = open();
  const store = keyvStore(cache);
  const one = new Keyv({ store, namespace: 'one' });
  await one.set('a', 1);
  const message =
    /keyvStore: the store has the namespace "one", and cannot have the namespace "two" too; give/;
  assert.throws(() => new Keyv({ store, namespace: 'two' }), { code: 'HOTADD_BAD_USAGE', message });
  assert.deepEqual([one.namespace, await one.get('a')], ['one', 1]);
  assert.equal(await new Keyv({ store, namespace: 'one' }).get('a'), 1);
});

test('keyv: what is not a ByteCache is refused', () => {
  for (const other of [new Date(), new Map(), undefined, 'cache'])
    assert.throws(() => keyvStore(other as never), /keyvStore: .*it has no getCopy\(\); give a ByteCache/);
});
