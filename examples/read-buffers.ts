// Buffers for reading files, from memory that can be resized while it is in use: by setBytes(), or,
// registered as a driver, by what happens to the container's memory.
// #region pool
import { open } from 'node:fs/promises';
import { KiB, MiB } from 'hotadd';
import { SlabPool } from 'hotadd/buffers';

export const pool = new SlabPool('read buffers', { bytes: 256 * MiB, leaseBytes: 64 * KiB });

export async function readStart(path: string): Promise<string> {
  const lease = pool.acquire();
  if (lease === null) throw new Error('all buffers are in use');
  try {
    const file = await open(path);
    const { bytesRead } = await file.read(lease.bytes).finally(() => file.close());
    return Buffer.from(lease.bytes.subarray(0, bytesRead)).toString();
  } finally {
    lease.release(); // not before the read has called back
  }
}
// #endregion
