// A cache as any program has one: it can be told how large it may be, and knows what it holds.
export class Thumbnails {
  readonly #kept = new Map<string, Uint8Array>();
  maxBytes = 0;
  heldBytes = 0;

  keep(name: string, picture: Uint8Array): void {
    this.#kept.set(name, picture);
    this.heldBytes += picture.byteLength;
    this.setMaxBytes(this.maxBytes);
  }

  setMaxBytes(bytes: number): void {
    this.maxBytes = bytes;
    for (const [name, picture] of this.#kept) {
      if (this.heldBytes <= bytes) return;
      this.#kept.delete(name);
      this.heldBytes -= picture.byteLength;
    }
  }
}
