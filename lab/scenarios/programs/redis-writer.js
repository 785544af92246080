// Runs in a guest: keeps a Redis full over its Unix socket, values of 20 KB under ever new keys, a few of
// them under way at a time, and connects anew when it is cut off. Prints how many were stored, every 100.
const net = require('node:net');

const [socketPath, bytesText = '20000', pipelineText = '4'] = process.argv.slice(2);
const value = 'x'.repeat(Number(bytesText));
let written = 0;
let stored = 0;

function set(key) {
  const name = `written:${key}`;
  return `*3\r\n$3\r\nSET\r\n$${name.length}\r\n${name}\r\n$${value.length}\r\n${value}\r\n`;
}

function begin() {
  const connection = net.connect(socketPath);
  const more = () => {
    written += 1;
    connection.write(set(written));
  };
  connection.on('connect', () => {
    for (let count = 0; count < Number(pipelineText); count += 1) more();
  });
  connection.setEncoding('latin1').on('data', (text) => {
    for (const answer of text.split('\r\n').slice(0, -1)) {
      if (answer === '+OK') stored += 1;
      if (answer === '+OK' && stored % 100 === 0) process.stdout.write(`${stored}\n`);
      more();
    }
  });
  connection.on('error', () => {});
  connection.on('close', () => setTimeout(begin, 100));
}

begin();
