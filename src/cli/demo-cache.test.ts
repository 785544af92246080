// The demo's cache is a driver like any other, with memory of this process that is really taken.
import test from 'node:test';
import { MiB } from '../core/bytes.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { DemoCache } from './demo-cache.ts';

const options = { ready: () => Promise.resolve(), onResize: () => undefined };
const BUDGETS = { smallBytes: 8 * MiB, largeBytes: 48 * MiB };

for (const { title, run } of checkDriver(() => new DemoCache('sessions', options).driver, BUDGETS)) {
  test(`demo cache: ${title}`, run);
}

const limited = { ...options, ceilingBytes: 56 * MiB };
for (const { title, run } of checkDriver(() => new DemoCache('limited', limited).driver, BUDGETS)) {
  test(`demo cache with a ceiling: ${title}`, run);
}
