// Contender: the least that hears kernel uevents in Node. A netlink socket on the main loop by koffi and
// libuv, the event taken apart, and MemTotal read. Told `open` and `close` on its standard input.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import koffi from 'koffi';

const self = koffi.load(null);
const socket = self.func('int socket(int, int, int)');
const bind = self.func('int bind(int, const void*, uint32_t)');
const recv = self.func('long recv(int, void*, size_t, int)');
const closeSocket = self.func('int close(int)');
const handleSize = self.func('size_t uv_handle_size(int)');
const defaultLoop = self.func('void* uv_default_loop()');
const pollInit = self.func('int uv_poll_init(void*, void*, int)');
const onReadable = koffi.pointer(koffi.proto('void BenchUvPoll(void*, int, int)'));
const pollStart = self.func('int uv_poll_start(void*, int, BenchUvPoll*)');
const pollStop = self.func('int uv_poll_stop(void*)');
const uvClose = self.func('void uv_close(void*, void*)');
const message = Buffer.alloc(8192);

function hear(fd: number): void {
  for (let read = recv(fd, message, 8192, 0); read > 0; read = recv(fd, message, 8192, 0)) {
    const fields = message.toString('latin1', 0, Number(read)).split('\0');
    if (!fields.includes('SUBSYSTEM=memory')) continue;
    const heardNs = process.hrtime.bigint();
    const total = /MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'));
    if (total === null) throw new Error('no MemTotal');
    process.stdout.write(`${process.hrtime.bigint()} ${heardNs}\n`);
  }
}

function open(): () => void {
  const fd = socket(16, 2 | 0o2000000 | 0o4000, 15);
  const address = Buffer.alloc(12);
  address.writeUInt16LE(16, 0);
  address.writeUInt32LE(1, 8);
  if (bind(fd, address, 12) !== 0) throw new Error(`no netlink socket (errno ${koffi.errno()})`);
  const handle = koffi.alloc('uint8', Number(handleSize(8)));
  const callback = koffi.register(() => hear(fd), onReadable);
  pollInit(defaultLoop(), handle, fd);
  pollStart(handle, 1, callback);
  return () => {
    pollStop(handle);
    uvClose(handle, null);
    closeSocket(fd);
  };
}

let close = () => {};
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'open') close = open();
  else close();
  process.stdout.write(`${line}\n`);
}
