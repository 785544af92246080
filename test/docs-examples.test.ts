// Runs the tests among the examples, as a user of the package would write them: `hotadd` and its
// are the sources here, so that no build is needed.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { listFiles, ROOT } from './repository.ts';

const SOURCES = new Map([
  ['hotadd', 'src/index.ts'],
  ['hotadd/buffers', 'src/buffers/index.ts'],
  ['hotadd/adapters', 'src/adapters/index.ts'],
  ['hotadd/testing', 'src/testing/index.ts'],
]);

registerHooks({
  resolve: (specifier, context, next) => {
    const source = SOURCES.get(specifier);
    return next(source === undefined ? specifier : pathToFileURL(`${ROOT}/${source}`).href, context);
  },
});

const isUnitTest = (path: string) =>
  path.endsWith('.test.ts') || /^examples\/unit-test\/.*\.test\.js$/.test(path);
const examples = listFiles('examples').filter(isUnitTest);
if (examples.length === 0) throw new Error('no test was found among the examples');
for (const path of examples) await import(pathToFileURL(`${ROOT}/${path}`).href);
