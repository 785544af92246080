// A server with one knob in whole KiB, and an honest driver for it: what the tests of the conformance kit
// begin with. Each wrong driver changes one thing.
import type { Driver, DriverState, ResizeContext, Setting, Target } from '../src/core/driver.ts';
import { Refusal } from '../src/core/errors.ts';

export const KiB = 1024;
export const BUDGETS = { smallBytes: 100 * KiB, largeBytes: 900 * KiB };
export const FIXED_BYTES = 7 * KiB + 100;
const FLOOR_KIB = 10;
let runs = 0;

export class Knob {
  kib = 200;
  writes = 0;
  reads = 0;
  readonly runId: string;

  constructor() {
    runs += 1;
    this.runId = `run-${runs}`;
  }

  set(kib: number): void {
    this.kib = kib;
    this.writes += 1;
  }
}

export class HonestDriver implements Driver {
  readonly name: string = 'knob';
  readonly knob: Knob;

  constructor(knob: Knob) {
    this.knob = knob;
  }

  async read(_signal?: AbortSignal): Promise<DriverState> {
    return {
      costBytes: FIXED_BYTES + this.knob.kib * KiB,
      heldBytes: null,
      floorBytes: FIXED_BYTES + FLOOR_KIB * KiB,
      ceilingBytes: null,
      stepBytes: KiB,
      why: { floor: 'ten KiB are in use' },
      settings: [{ name: 'knob', value: `${this.knob.kib}`, live: true }],
      instance: this.knob.runId,
      home: 'self',
    };
  }

  async resize(target: Target, _context?: ResizeContext): Promise<Setting[]> {
    const kib = 'settings' in target ? Number(target.settings[0]?.value) : this.kibFor(target.bytes);
    if (kib !== this.knob.kib) this.knob.set(kib);
    return [{ name: 'knob', value: `${kib}`, live: true }];
  }

  protected kibFor(bytes: number): number {
    const kib = Math.floor((bytes - FIXED_BYTES) / KiB);
    if (kib < FLOOR_KIB) throw new Refusal('ten KiB are in use', FIXED_BYTES + FLOOR_KIB * KiB);
    return kib;
  }
}
