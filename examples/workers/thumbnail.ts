// A task of the thread pool: its picture is in the heap, so a larger heap takes larger pictures.
export default function thumbnail({ width }: { width: number }): number[] {
  return new Array(width * width).fill(0);
}
