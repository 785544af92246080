// Tells the story and keeps its claims. A claim is looked up in the run, never narrated: one that is not true
// is shown, counted and makes the demo fail.
import { formatBytes } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import type { Answer } from '../../core/outcome.ts';
import { STATEMENTS, type Statement, type Step, type Witness } from './step.ts';

export interface Claim {
  readonly scene: string;
  readonly statement: Statement;
  readonly text: string;
  readonly holds: boolean;
}

export class Story {
  readonly claims: Claim[] = [];
  readonly #emit: (step: Step) => void;
  readonly #clock: Clock;
  #scene = '';

  constructor(emit: (step: Step) => void, clock: Clock) {
    this.#emit = emit;
    this.#clock = clock;
  }

  get passed(): boolean {
    return this.claims.every(({ holds }) => holds);
  }

  scene(name: string, text: string): void {
    this.#scene = name;
    this.#tell({ step: 'scene', who: null, text, data: null });
  }

  event(who: string, text: string): void {
    this.#tell({ step: 'event', who, text, data: null });
  }

  answer(answer: Answer): void {
    const { driver, verdict, proven, costBeforeBytes, costAfterBytes, note } = answer;
    const to = costAfterBytes === null ? 'not known' : formatBytes(costAfterBytes);
    const moved = costAfterBytes === costBeforeBytes ? to : `${formatBytes(costBeforeBytes)} -> ${to}`;
    const why = note === null ? '' : ` (${note})`;
    const text = `${moved}: ${verdict}, ${proven ? 'proven' : 'not proven'}${why}`;
    this.#tell({ step: 'answer', who: driver, text, data: { ...answer } });
  }

  witness(seen: Witness): void {
    const { rssBeforeBytes, rssAfterBytes, heldBeforeBytes, heldAfterBytes } = seen;
    const moved = signed(rssAfterBytes - rssBeforeBytes);
    const held = signed(heldAfterBytes - heldBeforeBytes);
    const rss = `RSS ${formatBytes(rssBeforeBytes)} -> ${formatBytes(rssAfterBytes)}`;
    const text = `${rss}: ${moved}, pictures ${held}`;
    this.#tell({ step: 'witness', who: 'process', text, data: { ...seen } });
  }

  claim(statement: Statement, text: string, holds: boolean): void {
    this.claims.push({ scene: this.#scene, statement, text, holds });
    this.#tell({ step: 'claim', who: null, text, data: { statement, holds } });
  }

  stayed(who: string, text: string, data: Readonly<Record<string, unknown>> = {}): void {
    this.#tell({ step: 'stayed', who, text, data });
  }

  /** The statements of the page, each with its claims; those without any are left out. */
  statements(): void {
    for (const [key, text] of Object.entries(STATEMENTS)) {
      const statement = Number(key) as Statement;
      const claims = this.claims.filter((claim) => claim.statement === statement);
      if (claims.length === 0) continue;
      const held = claims.filter(({ holds }) => holds).length;
      this.#tell({ step: 'statement', who: null, text, data: { statement, claims: claims.length, held } });
    }
  }

  end(data: { scenario: string; seed: number; tookMs: number }): void {
    const failed = this.claims.filter(({ holds }) => !holds).length;
    const said = `${this.claims.length} claims`;
    const sum = failed === 0 ? `all ${said} are true` : `${failed} of ${said} FALSE`;
    const seconds = (this.#clock.monotonicMs() / 1000).toFixed(0);
    const took = `${seconds} s of simulated time in ${(data.tookMs / 1000).toFixed(1)} s`;
    const text = `${sum}, in this run (seed ${data.seed}): ${took}`;
    const sums = { claims: this.claims.length, failed, passed: this.passed };
    this.#tell({ step: 'end', who: null, text, data: { ...data, ...sums } });
  }

  #tell(step: Omit<Step, 'atMs' | 'scene'>): void {
    this.#emit({ atMs: this.#clock.monotonicMs(), scene: this.#scene, ...step });
  }
}

function signed(bytes: number): string {
  return `${bytes < 0 ? '-' : '+'}${formatBytes(Math.abs(bytes))}`;
}
