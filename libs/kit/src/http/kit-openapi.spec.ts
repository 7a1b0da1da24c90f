import { withRulesOfKit } from './kit-openapi.js';

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const body = (schema: object) => ({ content: { 'application/json': { schema } } });
const DOCUMENT = {
  paths: {
    '/books': {
      get: { responses: { '200': body(ref('Book')) } },
      post: { security: [{ bearer: [] }], requestBody: body(ref('NewBook')), responses: { '201': body(ref('Book')) } },
      patch: { security: [{ bearer: [] }], responses: { '401': { description: 'own' } } },
    },
  },
  components: {
    schemas: {
      Book: { type: 'object', properties: {} },
      NewBook: { type: 'object', properties: { author: ref('Author'), extra: ref('Free') } },
      Author: { type: 'object', properties: { books: { type: 'array', items: ref('NewBook') } } },
      Free: { type: 'object', properties: {}, additionalProperties: true },
    },
  },
};

describe("a module's OpenAPI document", () => {
  it('says 401 where credentials are needed, unless the module says it itself', () => {
    expect(withRulesOfKit(DOCUMENT, false).paths).toMatchObject({
      '/books': {
        get: { responses: { '200': {} } },
        post: { responses: { '401': { description: 'No valid credentials' }, '201': {} } },
        patch: { responses: { '401': { description: 'own' } } },
      },
    });
    expect(withRulesOfKit(DOCUMENT, false).paths).not.toHaveProperty(['/books', 'get', 'responses', '401']);
  });

  it('says that bodies have no other fields, where they are refused', () => {
    const { schemas } = withRulesOfKit(DOCUMENT, true).components as { schemas: Record<string, object> };
    expect(schemas).toMatchObject({
      NewBook: { additionalProperties: false },
      Author: { additionalProperties: false },
      Free: { additionalProperties: true },
    });
    expect(schemas.Book).not.toHaveProperty('additionalProperties');
    expect(withRulesOfKit(DOCUMENT, false).components).toEqual(DOCUMENT.components);
  });
});
