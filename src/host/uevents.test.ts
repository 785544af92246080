// Kernel uevents: the text of the kernel's messages, and a synthetic event that goes all the way round.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Uevent } from '../core/machine.ts';
import { openUevents, parseUevent } from './uevents.ts';

// Writing "change" only makes an event; the block stays as it is (Documentation/ABI/testing/sysfs-uevent).
const BLOCK_UEVENT = '/sys/devices/system/memory/memory0/uevent';
const URL_HERE = JSON.stringify(new URL('./uevents.ts', import.meta.url).href);

function reasonToSkip(): string | false {
  if (process.platform !== 'linux') return 'kernel uevents exist on Linux only';
  if (process.getuid?.() !== 0) return 'making a synthetic uevent needs root';
  try {
    createRequire(import.meta.url).resolve('koffi');
    writeFileSync(BLOCK_UEVENT, 'change');
    return false;
  } catch (thrown) {
    return `no koffi, or no memory blocks here: ${(thrown as Error).message}`;
  }
}

/** Waits for what must come, and holds the loop open meanwhile: uevents do not. */
function soon<T>(what: string, start: (resolve: (value: T) => void, reject: (error: Error) => void) => void) {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${what} within 20 s`)), 20_000);
    const settled =
      <V>(settle: (value: V) => void) =>
      (value: V) => {
        clearTimeout(timer);
        settle(value);
      };
    start(settled(resolve), settled(reject));
  });
}

describe('uevents', () => {
  it('takes the messages of the kernel apart', () => {
    const message = (action: string, path: string, subsystem: string) =>
      `${action}@${path}\0ACTION=${action}\0DEVPATH=${path}\0SUBSYSTEM=${subsystem}\0SEQNUM=577\0`;
    const block = '/devices/system/memory/memory32';
    assert.deepEqual(parseUevent(message('online', block, 'memory')), {
      action: 'online',
      path: block,
      subsystem: 'memory',
    });
    assert.equal(parseUevent(message('add', '/devices/system/node/node1', 'node'))?.subsystem, 'node');
    assert.equal(parseUevent(message('online', '/devices/system/container/PNP0A06:04', 'container')), null);
  });

  it("passes over what is no uevent: udev's own messages, empty and torn ones", () => {
    for (const text of [
      '',
      '\0',
      'libudev\0\xfe\xed',
      'add',
      '@/x\0SUBSYSTEM=memory',
      'SUBSYSTEM=memory\0',
    ]) {
      assert.equal(parseUevent(text), null);
    }
  });

  it('S3 a synthetic event of a memory block arrives', { skip: reasonToSkip() }, async () => {
    const received: Uevent[] = [];
    let close = () => {};
    await soon<void>('event', (resolve, reject) => {
      const opened = openUevents(
        (uevent) => {
          received.push(uevent);
          resolve();
        },
        () => reject(new Error('events were lost')),
      );
      if (typeof opened !== 'function') return reject(new Error(opened.unavailable));
      close = opened;
      writeFileSync(BLOCK_UEVENT, 'change');
    });
    close();
    close();
    assert.deepEqual(received[0], {
      action: 'change',
      path: '/devices/system/memory/memory0',
      subsystem: 'memory',
    });
  });

  it('S3 a listener that throws, or closes from inside, harms nothing', {
    skip: reasonToSkip(),
  }, async () => {
    let events = 0;
    let close = () => {};
    await soon<void>('lost event', (resolve, reject) => {
      const opened = openUevents(
        () => {
          events += 1;
          if (events === 2) close();
          throw new Error('a bad listener');
        },
        () => (events < 2 ? writeFileSync(BLOCK_UEVENT, 'change') : resolve()),
      );
      if (typeof opened !== 'function') return reject(new Error(opened.unavailable));
      close = opened;
      writeFileSync(BLOCK_UEVENT, 'change');
    });
    assert.equal(events, 2);
  });

  it("S3 a burst beyond the socket's room is told as lost", { skip: reasonToSkip() }, async () => {
    // An event takes several hundred bytes of the socket's room (net.core.rmem_default).
    const room = Number(readFileSync('/proc/sys/net/core/rmem_default', 'utf8'));
    const count = Math.max(5_000, room / 200);
    let close = () => {};
    let events = 0;
    await soon<void>('word of lost events', (resolve, reject) => {
      const opened = openUevents(() => {
        events += 1;
      }, resolve);
      if (typeof opened !== 'function') return reject(new Error(opened.unavailable));
      close = opened;
      for (let event = 0; event < count; event += 1) writeFileSync(BLOCK_UEVENT, 'change');
    });
    close();
    assert.ok(events < count);
  });

  it('S3 in a worker there are none, with the reason', async () => {
    const worker = new Worker(
      `import(${URL_HERE}).then(({ openUevents }) =>
        require('node:worker_threads').parentPort.postMessage(openUevents(() => {}, () => {})));`,
      { eval: true },
    );
    const answer = await new Promise((resolve, reject) =>
      worker.once('message', resolve).once('error', reject),
    );
    await worker.terminate();
    const reason = process.platform === 'linux' ? 'need the main thread' : 'Linux only';
    assert.match((answer as { unavailable: string }).unavailable, new RegExp(reason));
  });
});
