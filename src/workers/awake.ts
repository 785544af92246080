// Threads that are idle do not keep their process alive, and neither does a question to one. While something
// is awaited from them the process must not end for want of anything else to do.

const LONG_MS = 2 ** 30;

export async function awake<Result>(work: Promise<Result>): Promise<Result> {
  const timer = setInterval(() => undefined, LONG_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
