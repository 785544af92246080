#!/usr/bin/env node
// The command `hotadd`. It keeps to old syntax, so that an old Node says what is wrong instead of a
// SyntaxError.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `hotadd: this is Node ${process.versions.node}, and hotadd needs 22.18 or later; ` +
      'install a newer Node, or run it with `npx --package=node@24 --package=hotadd hotadd`',
  );
  process.exitCode = 2;
} else {
  import('../dist/cli/main.js').catch((error) => {
    const notBuilt =
      error.code === 'ERR_MODULE_NOT_FOUND' && String(error.message).includes('dist/cli/main.js');
    console.error(notBuilt ? 'hotadd: this checkout is not built; run `npm run build`' : error);
    process.exitCode = notBuilt ? 2 : 1;
  });
}
