// The driver checks under vitest: `npx vitest run vitest.test.js`.
import { checkDriver } from 'hotadd/testing';
import { test } from 'vitest';
import { makeDriver, options } from './pictures.js';

for (const { title, run } of checkDriver(makeDriver, options)) test(title, run);
