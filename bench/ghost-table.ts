// Fingerprints of keys that were evicted from one queue, and how long ago that was, counted in evictions from
// the same queue. Four places for each bucket; the oldest makes room.
const PLACES = 4;

export class GhostTable {
  #fingerprints = new Uint32Array(64);
  /** The count at the eviction; 0: the place is free. */
  #when = new Uint32Array(64);
  #count = 0;

  /** @param most how many are worth remembering; the table grows to hold them. */
  remember(fingerprint: number, most: number): void {
    while (this.#when.length < most) this.#grow();
    this.#count += 1;
    this.#put(fingerprint, this.#count);
  }

  /** Evictions since this key's, and forgets it; infinite: it is not known. */
  take(fingerprint: number): number {
    const first = this.#bucket(fingerprint);
    for (let place = first; place < first + PLACES; place += 1) {
      const when = this.#when[place] ?? 0;
      if (when === 0 || this.#fingerprints[place] !== fingerprint) continue;
      this.#when[place] = 0;
      return this.#count - when;
    }
    return Number.POSITIVE_INFINITY;
  }

  #put(fingerprint: number, when: number): void {
    const first = this.#bucket(fingerprint);
    let oldest = first;
    for (let place = first + 1; place < first + PLACES; place += 1) {
      if ((this.#when[place] ?? 0) < (this.#when[oldest] ?? 0)) oldest = place;
    }
    if (when < (this.#when[oldest] ?? 0)) return;
    this.#fingerprints[oldest] = fingerprint;
    this.#when[oldest] = when;
  }

  #bucket(fingerprint: number): number {
    return (fingerprint & (this.#when.length / PLACES - 1)) * PLACES;
  }

  #grow(): void {
    const [fingerprints, whens] = [this.#fingerprints, this.#when];
    this.#fingerprints = new Uint32Array(2 * whens.length);
    this.#when = new Uint32Array(2 * whens.length);
    for (const [place, when] of whens.entries()) if (when > 0) this.#put(fingerprints[place] ?? 0, when);
  }
}
