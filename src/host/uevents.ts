// Kernel uevents over netlink, on the main loop: koffi calls libc for the socket and libuv for uv_poll, so
// there is no thread, no wakeup when idle, and no compiler. koffi is optional and loaded on the first call
// only. Source of the event format: lib/kobject_uevent.c; fields are separated by NUL.
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { messageOf } from '../core/errors.ts';
import type { Uevent } from '../core/machine.ts';

type Koffi = typeof import('koffi');
type NativeCall = (...values: unknown[]) => unknown;

const AF_NETLINK = 16;
const SOCK_DGRAM_CLOEXEC_NONBLOCK = 2 | 0o2000000 | 0o4000;
const NETLINK_KOBJECT_UEVENT = 15;
const KERNEL_GROUP = 1;
const ADDRESS_BYTES = 12;
const UV_POLL = 8;
const UV_READABLE = 1;
const ENOBUFS = 105;
const EINTR = 4;
// The kernel builds an event in a buffer of 2048 bytes (UEVENT_BUFFER_SIZE) plus its header line.
const MESSAGE_BYTES = 8192;
/** A flood of events must not hold the loop: what is left is read at its next turn, as the socket says so. */
const TURN_MS = 5;

interface Native {
  readonly koffi: Koffi;
  readonly onReadable: ReturnType<Koffi['pointer']>;
  readonly socket: NativeCall;
  readonly bind: NativeCall;
  readonly recvfrom: NativeCall;
  readonly close: NativeCall;
  readonly handleSize: NativeCall;
  readonly defaultLoop: NativeCall;
  readonly pollInit: NativeCall;
  readonly pollStart: NativeCall;
  readonly pollStop: NativeCall;
  readonly uvClose: NativeCall;
  readonly unref: NativeCall;
}

let native: Native | { unavailable: string } | null = null;

function loadNative(): Native | { unavailable: string } {
  let koffi: Koffi;
  try {
    // Bundled as CommonJS a module has no URL, and is in the file that it was bundled into.
    koffi = createRequire(import.meta.url ?? __filename)('koffi') as Koffi;
  } catch {
    return { unavailable: 'koffi is not installed (npm install koffi); memory is polled' };
  }
  try {
    // The running program itself: it holds libc and libuv, whatever their files are called here.
    const self = koffi.load(null);
    const onReadable = koffi.pointer(koffi.proto('void HotaddUvPoll(void*, int, int)'));
    return {
      koffi,
      onReadable,
      socket: self.func('int socket(int, int, int)'),
      bind: self.func('int bind(int, const void*, uint32_t)'),
      recvfrom: self.func('long recvfrom(int, void*, size_t, int, void*, void*)'),
      close: self.func('int close(int)'),
      handleSize: self.func('size_t uv_handle_size(int)'),
      defaultLoop: self.func('void* uv_default_loop()'),
      pollInit: self.func('int uv_poll_init(void*, void*, int)'),
      pollStart: self.func('int uv_poll_start(void*, int, HotaddUvPoll*)'),
      pollStop: self.func('int uv_poll_stop(void*)'),
      uvClose: self.func('void uv_close(void*, void*)'),
      unref: self.func('void uv_unref(void*)'),
    };
  } catch (thrown) {
    return { unavailable: `this runtime hides libuv (${messageOf(thrown)}); memory is polled` };
  }
}

/** Takes one netlink message apart; `null` for what is no event of memory or of a node. */
export function parseUevent(message: string): Uevent | null {
  const [header, ...fields] = message.split('\0');
  const at = header?.indexOf('@') ?? -1;
  const subsystem = fields.find((field) => field.startsWith('SUBSYSTEM='))?.slice('SUBSYSTEM='.length);
  if (header === undefined || at <= 0 || (subsystem !== 'memory' && subsystem !== 'node')) return null;
  return { action: header.slice(0, at), path: header.slice(at + 1), subsystem };
}

/** Machine.uevents of the real machine. Never throws, and never keeps the process alive. */
export function openUevents(
  onUevent: (uevent: Uevent) => void,
  onLost: () => void,
): (() => void) | { unavailable: string } {
  if (process.platform !== 'linux')
    return { unavailable: 'kernel uevents exist on Linux only; memory is polled' };
  // uv_default_loop is the loop of the main thread; a worker has its own, which nothing names.
  if (!isMainThread) return { unavailable: 'kernel uevents need the main thread; memory is polled' };
  native ??= loadNative();
  if ('unavailable' in native) return native;
  try {
    return listen(native, onUevent, onLost);
  } catch (thrown) {
    return { unavailable: `${messageOf(thrown)}; memory is polled` };
  }
}

function openSocket(calls: Native): number {
  const fd = Number(calls.socket(AF_NETLINK, SOCK_DGRAM_CLOEXEC_NONBLOCK, NETLINK_KOBJECT_UEVENT));
  if (fd < 0) throw new Error(`no netlink socket (errno ${calls.koffi.errno()})`);
  const address = Buffer.alloc(ADDRESS_BYTES);
  new DataView(address.buffer, address.byteOffset).setUint16(0, AF_NETLINK, isLittleEndian());
  new DataView(address.buffer, address.byteOffset).setUint32(8, KERNEL_GROUP, isLittleEndian());
  if (calls.bind(fd, address, ADDRESS_BYTES) === 0) return fd;
  const errno = calls.koffi.errno();
  calls.close(fd);
  throw new Error(`no kernel uevents for this process (errno ${errno})`);
}

function isLittleEndian(): boolean {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
}

/** @returns the next message of the kernel, or the errno of there being none. */
function openReceiver(calls: Native, fd: number): () => string | number {
  const message = Buffer.alloc(MESSAGE_BYTES);
  const sender = new Uint32Array(ADDRESS_BYTES / 4);
  const senderBytes = new Uint32Array(1);
  return () => {
    senderBytes[0] = ADDRESS_BYTES;
    const read = Number(calls.recvfrom(fd, message, MESSAGE_BYTES, 0, sender, senderBytes));
    if (read < 0) return calls.koffi.errno();
    // Anybody may send to a netlink socket; the kernel's own messages come from port 0.
    return sender[1] === 0 ? message.toString('latin1', 0, read) : '';
  };
}

function listen(calls: Native, onUevent: (uevent: Uevent) => void, onLost: () => void): () => void {
  const { koffi } = calls;
  const fd = openSocket(calls);
  const receive = openReceiver(calls, fd);
  let closed = false;
  // Once a socket has overflowed the kernel drops all events until the last that it holds has been read
  // (NETLINK_S_CONGESTED): a full reading made before that would miss what moves meanwhile.
  let lost = false;

  const tellLost = () => {
    if (!lost) return;
    lost = false;
    onLost();
  };
  const take = (message: string) => {
    const uevent = lost ? null : parseUevent(message);
    if (uevent !== null) onUevent(uevent);
  };
  const drain = () => {
    const untilMs = performance.now() + TURN_MS;
    // What an overflow has left is thrown away to its end: nothing would say that the end was reached.
    while (!closed && (lost || performance.now() < untilMs)) {
      const received = receive();
      if (received === ENOBUFS) lost = true;
      else if (typeof received === 'string') take(received);
      else if (received !== EINTR) return tellLost();
    }
  };
  // A throw in here would surface in some later, unrelated native call. An event that could not be handled
  // counts as lost: what follows is a full reading again.
  const callback = koffi.register((_handle: unknown, status: number) => {
    try {
      drain();
    } catch {
      queueMicrotask(onLost);
    }
    // A socket that has overflowed has an error, and at an error libuv stops its handle (uv__poll_io).
    if (status < 0 && !closed) calls.pollStart(handle, UV_READABLE, callback);
  }, calls.onReadable);

  const handle = koffi.alloc('uint8', Number(calls.handleSize(UV_POLL)));
  if (Number(calls.pollInit(calls.defaultLoop(), handle, fd)) !== 0) {
    calls.close(fd);
    throw new Error('libuv does not take a netlink socket');
  }
  calls.pollStart(handle, UV_READABLE, callback);
  calls.unref(handle);
  return () => {
    if (closed) return;
    closed = true;
    calls.pollStop(handle);
    calls.uvClose(handle, null);
    calls.close(fd);
    // Not now: this may run inside the callback. The handle itself is libuv's until its loop has come round.
    setImmediate(() => koffi.unregister(callback));
  };
}
