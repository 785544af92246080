// Kernel uevents: the text of the kernel's messages, and a synthetic event that goes all the way round.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** Sends to everybody who listens for kernel events, as any program of root can. */
function sendToGroup(message: string): number {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const libc = koffi.load(null);
  const fd = libc.func('int socket(int, int, int)')(16, 2, 15);
  const address = Buffer.from(new Uint32Array([16, 0, 1]).buffer);
  const bytes = Buffer.from(message, 'latin1');
  const sendto = libc.func('long sendto(int, const void*, size_t, int, const void*, uint32_t)');
  const sent = Number(sendto(fd, bytes, bytes.length, 0, address, address.length));
  libc.func('int close(int)')(fd);
  return sent;
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

  it('S3 what another program sends as an event is passed over', { skip: reasonToSkip() }, async () => {
    const paths: string[] = [];
    let close = () => {};
    await soon<void>('event', (resolve, reject) => {
      const opened = openUevents(
        ({ path }) => {
          paths.push(path);
          if (path.endsWith('memory0')) resolve();
        },
        () => reject(new Error('events were lost')),
      );
      if (typeof opened !== 'function') return reject(new Error(opened.unavailable));
      close = opened;
      const sent = sendToGroup('online@/devices/system/memory/memory999\0SUBSYSTEM=memory\0');
      assert.ok(sent > 0, 'the false event is on its way');
      writeFileSync(BLOCK_UEVENT, 'change');
    });
    close();
    assert.deepEqual(paths, ['/devices/system/memory/memory0']);
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

  it('S3 a burst that was lost is over when that is told, and the next event arrives', {
    skip: reasonToSkip(),
  }, async () => {
    const room = Number(readFileSync('/proc/sys/net/core/rmem_default', 'utf8'));
    const count = Math.max(5_000, room / 200);
    let close = () => {};
    let lost = 0;
    let events = 0;
    await soon<void>('event after the lost ones', (resolve, reject) => {
      const opened = openUevents(
        () => {
          events += lost;
          if (lost > 0) setTimeout(resolve, 50);
        },
        () => {
          lost += 1;
          setTimeout(() => writeFileSync(BLOCK_UEVENT, 'change'), 50);
        },
      );
      if (typeof opened !== 'function') return reject(new Error(opened.unavailable));
      close = opened;
      for (let event = 0; event < count; event += 1) writeFileSync(BLOCK_UEVENT, 'change');
    });
    close();
    // Those of other programs may be among them.
    assert.ok(events >= 1 && events < 10, `${events} events came after ${lost} words of lost ones`);
  });

  it('S3 a flood of events lets others have their turn', { skip: reasonToSkip() }, async () => {
    const count = 100;
    let events = 0;
    let seenMeanwhile = 0;
    let close = () => {};
    await soon<void>('events', (resolve, reject) => {
      const opened = openUevents(
        () => {
          events += 1;
          if (events === 1) {
            setImmediate(() => {
              seenMeanwhile = events;
            });
          }
          const untilMs = performance.now() + 1;
          while (performance.now() < untilMs);
          if (events === count) resolve();
        },
        () => reject(new Error('events were lost')),
      );
      if (typeof opened !== 'function') return reject(new Error(opened.unavailable));
      close = opened;
      for (let event = 0; event < count; event += 1) writeFileSync(BLOCK_UEVENT, 'change');
    });
    close();
    assert.ok(seenMeanwhile > 0 && seenMeanwhile < count / 2, `${seenMeanwhile} events came first`);
  });

  it('S3 without koffi there are none, with what to install; importing alone loads nothing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hotadd-uevents-'));
    try {
      cpSync(new URL('../', import.meta.url), folder, { recursive: true });
      const program = `
        const { openUevents } = await import(${JSON.stringify(`${folder}/host/uevents.ts`)});
        console.log(openUevents(() => {}, () => {}).unavailable);`;
      const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
        encoding: 'utf8',
      });
      assert.match(said, process.platform === 'linux' ? /npm install koffi/ : /Linux only/);
    } finally {
      rmSync(folder, { recursive: true });
    }
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
