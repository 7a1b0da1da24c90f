/** Whether a handler returned a promise of any kind, also another library's, by the rule that `await` uses. */
export function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  return typeof answer === 'object' && answer !== null && typeof (answer as { then?: unknown }).then === 'function';
}
