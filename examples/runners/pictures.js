// A driver of one's own, for the tests beside it: pictures that are kept up to a limit.
import { buffers, MiB } from 'hotadd';

class Pictures {
  maxBytes = 16 * MiB;
  heldBytes = 0;

  keep(bytes) {
    this.heldBytes = Math.min(this.maxBytes, this.heldBytes + bytes);
  }

  setMaxBytes(bytes) {
    this.maxBytes = bytes;
    this.heldBytes = Math.min(this.heldBytes, bytes);
  }
}

export function makeDriver() {
  const pictures = new Pictures();
  pictures.keep(8 * MiB);
  return buffers('pictures', {
    size: () => pictures.maxBytes,
    held: () => pictures.heldBytes,
    resize: (bytes) => pictures.setMaxBytes(bytes),
    floor: 4 * MiB,
    step: MiB,
  });
}

export const options = { smallBytes: 8 * MiB, largeBytes: 64 * MiB };
