// Runs in the guest: does what the host asks for over a serial line, one JSON value per line. A request is
// {id, do, ...}, its answer {id, ok} or {id, error}; {process, out | err | exit} tells of what was started.
// Plain CommonJS without a dependency: the guest has Node and nothing else.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');

const line = fs.openSync(process.argv[2], 'r+');
/** Children are ordinary to the OOM killer again, and enter their cgroup before they become the program. */
const ENTER =
  'echo 0 > /proc/self/oom_score_adj; [ -z "$0" ] || echo $$ > "$0/cgroup.procs" || exit 126; exec "$@"';

function send(message) {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(line, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

function begin({ argv, env, cwd, cgroup }) {
  return spawn('/bin/sh', ['-c', ENTER, cgroup ?? '', ...argv], {
    env: { ...process.env, ...env },
    cwd: cwd ?? '/tmp',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

const VERBS = {
  ping: () => true,
  // The clock of the guest's kernel, microseconds: what a C program reads with CLOCK_MONOTONIC.
  clock: () => Number(process.hrtime.bigint() / 1000n),
  read: ({ path }) => fs.promises.readFile(path, 'utf8'),
  write: ({ path, text, mode, encoding }) => fs.promises.writeFile(path, text, { mode, encoding }),
  append: ({ path, text, encoding }) => fs.promises.appendFile(path, text, { encoding }),
  list: ({ path }) => fs.promises.readdir(path),
  makeFolder: ({ path }) => fs.promises.mkdir(path, { recursive: true }).then(() => true),
  run: (request) =>
    new Promise((resolve, reject) => {
      const child = begin(request);
      const out = [];
      const err = [];
      child.stdin.on('error', () => {});
      child.stdin.end(request.input ?? '');
      child.stdout.on('data', (chunk) => out.push(chunk));
      child.stderr.on('data', (chunk) => err.push(chunk));
      child.on('error', reject);
      child.on('close', (code, signal) =>
        resolve({
          code,
          signal,
          stdout: Buffer.concat(out).toString(request.encoding ?? 'utf8'),
          stderr: Buffer.concat(err).toString(),
        }),
      );
    }),
  start: (request) => {
    const child = begin(request);
    const { pid } = child;
    child.stdin.on('error', () => {});
    child.stdout.setEncoding('utf8').on('data', (out) => send({ process: pid, out }));
    child.stderr.setEncoding('utf8').on('data', (err) => send({ process: pid, err }));
    child.on('close', (code, signal) => send({ process: pid, exit: { code, signal } }));
    return new Promise((resolve, reject) => {
      child.on('spawn', () => resolve(pid));
      child.on('error', reject);
    });
  },
  signal: ({ pid, signal }) => process.kill(pid, signal),
  http: ({ socket, method, path, body }) =>
    new Promise((resolve, reject) => {
      const request = http.request({ socketPath: socket, method, path }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode, body: text }));
      });
      request.on('error', reject);
      request.end(body);
    }),
};

async function answer(text) {
  const request = JSON.parse(text);
  try {
    send({ id: request.id, ok: (await VERBS[request.do](request)) ?? null });
  } catch (error) {
    send({ id: request.id, error: error.message, code: error.code });
  }
}

let rest = '';
fs.writeFileSync('/proc/self/oom_score_adj', '-1000');
fs.createReadStream('', { fd: line, autoClose: false, highWaterMark: 4096 })
  .setEncoding('utf8')
  .on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const text of lines) if (text.trim() !== '') void answer(text);
  });
send({ hello: process.version });
