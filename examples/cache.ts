// A cache that follows the memory of its container. Start it inside one and change the limit: it prints what it
// hears. `node examples/cache.ts` in this repository needs `npm run build` first.
import { buffers, formatBytes, openPartition } from 'hotadd';

/** Stands for any cache that can be told how large it may be. */
class Thumbnails {
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

const thumbnails = new Thumbnails();

// #region register
const partition = await openPartition({ apply: true }); // the cgroup that this process runs in
const cache = buffers('thumbnails', {
  size: () => thumbnails.maxBytes,
  held: () => thumbnails.heldBytes,
  resize: (bytes) => thumbnails.setMaxBytes(bytes),
});
partition.register(cache, { max: { percent: 50 }, existing: true });
partition.onChange(({ cause }) => {
  console.log(`${cause}: ${formatBytes(partition.memory.usableBytes ?? 0)} are usable now`);
});
// #endregion

process.once('SIGINT', () => void partition.close());
