import { CallContext, ContextValues, runInContext } from '../../boundary/index.js';
import { currentHeaders } from './outbox.js';

const OF_WORK = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const OF_SPAN = { traceparent: `00-${'a'.repeat(32)}-${'c'.repeat(16)}-01`, tracestate: 'x=1' };

describe('what a message carries of the work that sends it', () => {
  const work = (values?: ContextValues): CallContext =>
    new CallContext('hall', 'nobody', Infinity, undefined, OF_WORK, undefined, values);

  it('is its trace, or that of the span of the sending, and what is set of the context', () => {
    const values = ContextValues.of({ tenant: 'acme' });
    const context = '{"tenant":"acme"}';
    expect(runInContext(work(), () => currentHeaders())).toEqual({ traceparent: OF_WORK });
    expect(runInContext(work(values), () => currentHeaders())).toEqual({ traceparent: OF_WORK, context });
    expect(runInContext(work(values), () => currentHeaders(OF_SPAN))).toEqual({ ...OF_SPAN, context });
  });

  it('is nothing without work', () => {
    expect(currentHeaders()).toEqual({});
    expect(currentHeaders(OF_SPAN)).toEqual(OF_SPAN);
  });
});
