export { CURSOR_CHARS_MAX, decodeCursor, encodeCursor } from './cursor.js';
export { docsPage } from './docs-page.js';
export { Forbidden, InvalidRequest, Unauthenticated } from './errors.js';
export { HttpListener, KEEP_ALIVE_MS, type RequestHandler } from './listener.js';
export { describeModule, mergeDocuments } from './openapi.js';
export { httpProblem, PROBLEM_TYPE, problemOf, statusOf, type Problem } from './problem.js';
export { ProblemFilter } from './problem.filter.js';
export { openRequestFrames } from './request-frame.js';
export { requestValidation } from './request-validation.js';
