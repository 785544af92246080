// The simulated kernel's files: folders come and go with what is in them, and a folder made again is another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FilesSim } from './files-sim.ts';

const text = (content: string) => ({ read: () => content });

test('files: a folder has the names of its files and folders, each once', () => {
  const files = new FilesSim();
  files.set('/sys/a/max', text('1'));
  files.set('/sys/a/high', text('2'));
  files.set('/sys/a/b/max', text('3'));
  files.set('/sys/a/max', text('4'));
  assert.deepEqual(files.list('/sys/a')?.sort(), ['b', 'high', 'max']);
  assert.deepEqual(files.list('/sys'), ['a']);
  assert.equal(files.list('/sys/none'), undefined);
  assert.equal(files.get('/sys/a/max')?.read(), '4');
  files.remove('/sys/a/max');
  assert.deepEqual(files.list('/sys/a')?.sort(), ['b', 'high'], 'one that was changed is still one');
});

test('files: a folder goes with its last file, and takes all below it with it', () => {
  const files = new FilesSim();
  files.set('/sys/a/max', text('1'));
  files.set('/sys/a/b/c/max', text('2'));
  files.set('/sys/other', text('3'));
  files.remove('/sys/a/b/c/max');
  assert.deepEqual([files.list('/sys/a/b'), files.list('/sys/a')], [undefined, ['max']]);
  files.set('/sys/a/b/c/max', text('2'));
  files.remove('/sys/a');
  assert.deepEqual([files.list('/sys/a'), files.list('/sys')], [undefined, ['other']]);
  assert.equal(files.get('/sys/a/b/c/max'), undefined);
});

test('files: a folder that is made again has another number, and keeps it while it is there', () => {
  const files = new FilesSim();
  files.set('/cgroup/app/max', text('1'));
  const first = files.inode('/cgroup/app');
  files.set('/cgroup/app/high', text('1'));
  assert.equal(files.inode('/cgroup/app'), first);
  files.set('/cgroup/other/max', text('1'));
  files.remove('/cgroup/app');
  assert.equal(files.inode('/cgroup/app'), undefined);
  files.set('/cgroup/app/max', text('1'));
  const numbers = [first, files.inode('/cgroup/app'), files.inode('/cgroup/other')];
  assert.equal(new Set(numbers).size, 3, numbers.join(' '));
});

test('files: removing what is not there changes nothing', () => {
  const files = new FilesSim();
  files.set('/a/b', text('1'));
  files.remove('/a/none');
  files.remove('/none');
  assert.deepEqual(files.list('/a'), ['b']);
});
