// A program as most are: it reads the amount of memory once, and sizes its cache from it for ever.
import { totalmem } from 'node:os';

const cacheBytes = Math.floor(totalmem() / 4);
setInterval(() => console.log(`cache: ${cacheBytes} bytes`), 100);
