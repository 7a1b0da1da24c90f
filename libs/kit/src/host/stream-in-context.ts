import { Observable } from 'rxjs';
import { type CallContext, runInContext } from '../boundary/index.js';

/**
 * A stream whose work, which begins when it is subscribed to, runs in a context.
 * @param ended is called when the stream ends, or nobody reads it any more.
 */
export function streamInContext(
  stream: Observable<unknown>,
  context: CallContext,
  ended?: () => void,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const subscription = runInContext(context, () => stream.subscribe(subscriber));
    subscription.add(ended);
    return subscription;
  });
}
