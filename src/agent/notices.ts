// What an operator should hear once, when it begins and when it ends, and not at every look: a driver that
// cannot be read, is stuck or is left alone; a reading of memory that cannot be had; a partition that is
// gone.
import type { PhysicalMemory } from '../core/memory.ts';
import type { Surroundings, Survey } from '../core/survey.ts';

export class Notices {
  readonly #standing: Surroundings['standing'];
  readonly #say: (notice: string) => void;
  readonly #said = new Map<string, string>();

  constructor(standing: Surroundings['standing'], say: (notice: string) => void) {
    this.#standing = standing;
    this.#say = say;
  }

  /** Problems that hold now, by what they are of. */
  get problems(): ReadonlyMap<string, string> {
    return this.#said;
  }

  look({ readings }: Survey): void {
    for (const { member, state, error } of readings) {
      const stuck = member.shell.stuck ? 'is stuck: a call has not returned' : null;
      const alone = state === null ? null : this.#standing(member, state, !member.missed);
      this.#turn(`driver ${member.name}`, error === null ? (stuck ?? alone) : `cannot be read: ${error}`);
    }
  }

  memory({ partition, gone, stale }: PhysicalMemory): void {
    this.#turn(
      partition,
      gone ? 'is gone: nothing is resized any more; start hotadd anew for another' : null,
    );
    const [first] = stale;
    this.#turn('memory', first === undefined ? null : `${first.reading} cannot be read (${first.error})`);
  }

  #turn(what: string, problem: string | null): void {
    const before = this.#said.get(what) ?? null;
    if (problem === before) return;
    if (problem === null) {
      this.#said.delete(what);
      this.#say(`${what}: well again`);
    } else {
      this.#said.set(what, problem);
      this.#say(`${what}: ${problem}`);
    }
  }
}
