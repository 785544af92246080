// Lets a program import `hotadd` as its users do, from the sources: no build is needed. To be imported first,
// or given to Node with `--import`.
import { registerHooks } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = new Map([
  ['hotadd', 'src/index.ts'],
  ['hotadd/buffers', 'src/buffers/index.ts'],
  ['hotadd/adapters', 'src/adapters/index.ts'],
  ['hotadd/workers', 'src/workers/index.ts'],
  ['hotadd/testing', 'src/testing/index.ts'],
]);

registerHooks({
  resolve: (specifier, context, next) => {
    const source = SOURCES.get(specifier);
    return next(source === undefined ? specifier : pathToFileURL(`${ROOT}/${source}`).href, context);
  },
});
