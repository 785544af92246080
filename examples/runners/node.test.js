// The driver checks under node:test: `node --test node.test.js`.
import { test } from 'node:test';
import { checkDriver } from 'hotadd/testing';
import { makeDriver, options } from './pictures.js';

for (const { title, run } of checkDriver(makeDriver, options)) test(title, run);
