/** Several pieces of work at once, with results in order. Layer: app. */
import pLimit from 'p-limit';

/** Runs `work` on every item, at most `atOnce` together, first ones first. After a failure nothing further is started. */
export async function inOrder<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const limit = pLimit(atOnce);
  let fault: { readonly error: unknown } | undefined;

  async function unlessFailed(item: T): Promise<R> {
    if (fault !== undefined) throw fault.error;
    try {
      return await work(item);
    } catch (error) {
      fault ??= { error };
      throw error;
    }
  }

  return Promise.all(items.map((item) => limit(unlessFailed, item)));
}
