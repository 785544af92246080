// Is it a driver? The checks that hold for every one.
// #region check
import { test } from 'node:test';
import { MiB } from 'hotadd';
import { checkDriver } from 'hotadd/testing';
import { Cache, cacheDriver } from './cache.js';

function makeDriver() {
  const cache = new Cache();
  cache.keep('a page', new Uint8Array(MiB)); // what is empty would not show that it gives memory back
  return cacheDriver(cache);
}
const options = { smallBytes: 16 * MiB, largeBytes: 256 * MiB };
for (const { title, run } of checkDriver(makeDriver, options)) test(title, run);
// #endregion
