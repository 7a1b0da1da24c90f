import { Passwords } from './passwords.js';

describe('Passwords', () => {
  const passwords = new Passwords();
  beforeAll(() => passwords.onModuleInit());

  it('keeps argon2id with its parameters and a salt of its own', async () => {
    const [one, two] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
  });

  it('tells the right password from a wrong one', async () => {
    const hash = await passwords.hash('correct horse');
    expect(await passwords.matches('correct horse', hash)).toBe(true);
    expect(await passwords.matches('correct horsf', hash)).toBe(false);
  });

  it('takes both spellings of a letter for one', async () => {
    expect(await passwords.matches('cafe\u0301-table-7', await passwords.hash('caf\u00e9-table-7'))).toBe(true);
  });

  it('leaves the event loop to others', async () => {
    let isDone = false;
    const hashed = passwords.hash('correct horse').finally(() => (isDone = true));
    let turns = 0;
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    await hashed;
    expect(turns).toBeGreaterThan(2);
  });

  it('matches nothing for an unknown user', async () =>
    expect(await passwords.matches('correct horse', undefined)).toBe(false));
});
