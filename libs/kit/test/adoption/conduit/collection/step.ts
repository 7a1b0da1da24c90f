/** One request of the collection, and what its answer must be. */
export interface Step {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';
  /** Below `/api`. */
  readonly path: string;
  /** The username of the one who asks; nobody by default. */
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object, or the text of a body. */
  readonly body?: object | string;
  readonly status: number;
  /** By path in the answer's body, `article.author.username`: what is there. Each is an assertion. */
  readonly is?: Readonly<Record<string, unknown>>;
  /** By name: headers of the answer. Each is an assertion. */
  readonly has?: Readonly<Record<string, unknown>>;
}

export const TEXT: unknown = expect.any(String);
export const NUMBER: unknown = expect.any(Number);
export const DATE: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
/** Some list that has these, too. */
export const including = (items: readonly string[]): unknown => expect.arrayContaining([...items]) as unknown;
/** Some text that has this in it. */
export const containing = (text: string): unknown => expect.stringContaining(text) as unknown;
export const BLANK = ["can't be blank"];
export const TAKEN = ['has already been taken'];

export const ADA = { username: 'ada', email: 'ada@conduit.test', password: 'analytical-engine' };
export const BOB = { username: 'bob', email: 'bob@conduit.test', password: 'a-second-password' };
/** The slug of her article. */
export const DRAGON = 'how-to-train-your-dragon';

type Expected = Pick<Step, 'status' | 'is' | 'has'>;
type Asking = Pick<Step, 'as' | 'body' | 'headers'>;

const step =
  (method: Step['method']) =>
  (name: string, path: string, asking: Asking, { status, is, has }: Expected): Step => ({
    name,
    method,
    path,
    ...asking,
    status,
    is,
    has,
  });
export const get = step('GET');
export const post = step('POST');
export const put = step('PUT');
export const remove = step('DELETE');

export const errors = (status: number, field: string, messages: readonly string[]): Expected => ({
  status,
  is: { '': { errors: { [field]: messages } } },
});
