// A program of an author, for author.test.ts: what hotadd does for it, told as one line of JSON. It writes
// the change into a file itself, hears of it, has its buffers resized, closes, and ends.
import { writeFileSync } from 'node:fs';
import { buffers, HotaddError, openPartition } from 'hotadd';

/** @param partition its name. @param file where the change is written. @param bytes what is written. */
export async function follow(partition, file, bytes) {
  let size = 0;
  const resize = (budget) => {
    size = budget;
  };
  let tell;
  const outcomes = new Promise((resolve) => {
    tell = resolve;
  });
  const onOutcome = ({ change }) => {
    if (change.kind === 'repair') writeFileSync(file, bytes);
    if (change.kind === 'grow') tell(change.cause);
  };
  const opened = await openPartition({ partition, apply: true, reserve: 0, onOutcome });
  opened.register(buffers('pictures', { size: () => size, resize }), { existing: true });
  const news = [];
  opened.onChange(({ kind, phase }) => void news.push(`${kind} ${phase}`));
  const taken = await openPartition({ partition, apply: true }).catch((error) => error);
  await outcomes;
  const { usableBytes, boundBy } = opened.memory;
  const { hintsMissing } = opened;
  await opened.close();
  const isOurs = taken instanceof HotaddError && taken.code;
  console.log(JSON.stringify({ usableBytes, boundBy, hintsMissing, news, size, isOurs }));
}
