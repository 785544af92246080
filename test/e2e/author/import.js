// What an import of the package does, for import.test.ts, as one line of JSON: each module that is loaded for
// it, and what it leaves active. With `open` as second argument a partition is opened after it, and closed.
import { createRequire, registerHooks } from 'node:module';

const [what, then] = process.argv.slice(2);
const loaded = [];
const before = process.getActiveResourcesInfo();
const { _cache: required } = createRequire(import.meta.url)('node:module');
registerHooks({
  load: (url, context, next) => {
    loaded.push(url);
    return next(url, context);
  },
});
const face = await import(what);
const files = loaded.filter((url) => url.startsWith('file:')).length;
const outside = loaded.filter((url) => !/\/hotadd\/dist\//.test(url));
const active = process.getActiveResourcesInfo();
if (then === 'open') await (await face.openPartition()).close();
const later = loaded.filter((url) => !/\/hotadd\/dist\//.test(url) && !outside.includes(url));
console.log(JSON.stringify({ files, outside, before, active, later, required: Object.keys(required) }));
