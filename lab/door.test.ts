// The lab's side of its lines, without a guest: pieces of a file, and answers that are none.
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { Door } from './door.ts';

interface Request {
  readonly id: number;
  readonly text: string;
}

function openDoor(answer: (request: Request) => string): Door {
  const stream: Duplex = new Duplex({
    read: () => {},
    write: (line, _encoding, done) => {
      stream.push(`${answer(JSON.parse(String(line)) as Request)}\n`);
      done();
    },
  });
  return new Door(stream);
}

test('door: a long file arrives as it is, also where a character is cut in two', async () => {
  let written = Buffer.alloc(0);
  const door = openDoor(({ id, text }) => {
    written = Buffer.concat([written, Buffer.from(text, 'utf8')]);
    return JSON.stringify({ id, ok: null });
  });
  const text = `a${'\u{1f600}'.repeat(70_000)}`;
  await door.write('/tmp/file', text, 0o644, 'utf8');
  assert.equal(written.toString('utf8') === text, true);
});

test('door: an answer that is not JSON fails what was asked, and nothing else', async () => {
  const door = openDoor(() => '[   3.1] not an answer');
  await assert.rejects(door.ask({ do: 'ping' }), /is not JSON: \[ {3}3\.1\] not an answer/);
  await assert.rejects(door.ask({ do: 'ping' }), /is not JSON/);
});
