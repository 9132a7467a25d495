/** Bounded concurrency for many small requests. Layer: storage adapter. */
import pLimit from 'p-limit';

/** Requests in flight for one operation. Chosen: enough to hide latency, few enough to leave one process's sockets alone. */
export const REQUESTS_IN_FLIGHT = 16;

/** Runs `work` on every item, at most `REQUESTS_IN_FLIGHT` at once, and gives the results in order. After a failure no further item is started. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  if (items.length === 1) return [await work(items[0] as T)];
  const limit = pLimit({ concurrency: REQUESTS_IN_FLIGHT, rejectOnClear: true });
  try {
    return await Promise.all(items.map((item) => limit(work, item)));
  } catch (error) {
    limit.clearQueue();
    throw error;
  }
}
