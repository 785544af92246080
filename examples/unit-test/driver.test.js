// Is it a driver? The checks that hold for every one.
// #region check
import { test } from 'node:test';
import { MiB } from 'hotadd';
import { checkDriver } from 'hotadd/testing';
import { Cache, cacheDriver } from './cache.js';

const options = { smallBytes: 16 * MiB, largeBytes: 256 * MiB };
for (const { title, run } of checkDriver(() => cacheDriver(new Cache()), options)) test(title, run);
// #endregion
