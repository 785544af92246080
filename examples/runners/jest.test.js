// The driver checks under jest: `node --experimental-vm-modules node_modules/jest/bin/jest.js jest.test.js`.
// jest runs ES modules only with this flag and without its transform: see jest.config.js.
import { test } from '@jest/globals';
import { checkDriver } from 'hotadd/testing';
import { makeDriver, options } from './pictures.js';

for (const { title, run } of checkDriver(makeDriver, options)) test(title, run);
