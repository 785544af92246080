// The program of author.test.ts in a worker thread; the main thread only waits.
import { Worker } from 'node:worker_threads';

new Worker(new URL('./app.js', import.meta.url), { argv: process.argv.slice(2) });
