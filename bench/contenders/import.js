// Contender: one import in a new process. Argument: the module. Says what it took: milliseconds, and bytes of
// RSS above those before.
const before = process.memoryUsage.rss();
const startMs = performance.now();
await import(process.argv[2]);
const tookMs = performance.now() - startMs;
process.stdout.write(`${tookMs} ${process.memoryUsage.rss() - before}\n`);
