// Chance that can be repeated: one seed, one sequence (the generator is sfc32). Whatever is random in a
// simulation comes from here.

/** Chance that can be repeated. */
export class RandomSim {
  #a = 0x9e3779b9;
  #b = 0x243f6a88;
  #c: number;
  #d = 1;

  /** One seed, one sequence. `seed` is a whole number. */
  constructor(seed: number) {
    this.#c = seed | 0;
    this.#a ^= Math.floor(seed / 2 ** 32);
    for (let turn = 0; turn < 12; turn += 1) this.next();
  }

  /** From 0 up to, and without, 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** True in this share of the cases. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  /** One of a list that is not empty. */
  pick<Item>(list: readonly Item[]): Item {
    const item = list[Math.floor(this.next() * list.length)];
    if (item === undefined) throw new RangeError('there is nothing to pick from');
    return item;
  }
}
